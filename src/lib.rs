//! scaffold
#![forbid(unsafe_code)]

pub mod module;
pub mod policy;

mod target;

pub use target::{InvalidTarget, Resource, Target};
