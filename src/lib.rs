//! scaffold
#![forbid(unsafe_code)]

pub mod filter;
pub mod module;
pub mod policy;
pub mod redirect;
#[cfg(feature = "upstream")]
pub mod upstream;

mod info;
mod reply;
mod target;

#[cfg(feature = "fill")]
pub mod fill;
#[cfg(feature = "fill")]
mod observe;
#[cfg(feature = "fill")]
pub mod storage;
#[cfg(feature = "fill")]
mod verify;

pub use self::redirect::Redirect;
#[cfg(feature = "fill")]
pub use self::storage::Storage;
pub use self::target::{InvalidTarget, Resource, Target};
#[cfg(feature = "upstream")]
pub use upstream::Upstream;
