//! scaffold
#![forbid(unsafe_code)]
#![warn(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unnameable_types,
    clippy::clone_on_ref_ptr,
    clippy::future_not_send,
    clippy::must_use_candidate,
    clippy::needless_pass_by_value,
    clippy::print_stdout,
    clippy::return_self_not_must_use,
    clippy::unwrap_used
)]

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
