//! scaffold
#![forbid(unsafe_code)]

pub mod module;

mod target;

pub use target::{InvalidTarget, Resource, Target};
