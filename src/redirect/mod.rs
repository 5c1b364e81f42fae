//! Redirects clients to the upstream registry, with 303 See Other.
//!
//! [`Redirect`] is the include service of a proxy that stores nothing. Clients that cannot reach
//! the registry themselves need a `FillLayer` instead.
//!
//! A redirect to a list would show versions that a filter excludes: with [`Redirect::filtered_from`] such lists come from
//! a source instead.
//!
//! The redirect is never permanent, so that a later rule or a storage can serve the module again.

mod base;
mod filtered;
mod service;

pub use self::base::{Base, InvalidBase};
pub(crate) use self::filtered::ReadByFilter;
pub use self::filtered::{FilteredRedirect, ResponseFuture};
pub use self::service::Redirect;
