//! scaffold

#[cfg(feature = "upstream")]
pub mod upstream;

#[cfg(feature = "upstream")]
pub use upstream::Upstream;
