//! scaffold
#![forbid(unsafe_code)]

pub mod module;
pub mod policy;
#[cfg(feature = "upstream")]
pub mod upstream;

mod target;

pub use target::{InvalidTarget, Resource, Target};
#[cfg(feature = "upstream")]
pub use upstream::Upstream;
