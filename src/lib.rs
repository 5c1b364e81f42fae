//! Tower middleware that makes a Go module proxy out of an axum or hyper app: one that fills its own
//! storage from an upstream registry *while it answers*.
//!
//! A [`FilterLayer`](filter::FilterLayer) applies a rule to each request: include, exclude or direct. It either redirects
//! to the upstream registry, passes to the inner service, or answers through a tee: a body that streams the module
//! zip to the client while the same bytes go to storage.
//!
//! # The pieces
//!
//! Each is a tower service or layer of its own, and they compose:
//!
//! * [`FilterLayer`](filter::FilterLayer) has two ways on: a service for what a [`Policy`](policy::Policy) includes,
//!   and the inner service, which the layer wraps, for the rest.
//! * [`Redirect`] sends clients to the upstream registry, [`NotFound`] answers 404.
#![cfg_attr(
    feature = "fill",
    doc = "* [`FillLayer`](fill::FillLayer) wraps any source in a [`Storage`] (feature `fill`)."
)]
#![cfg_attr(
    not(feature = "fill"),
    doc = "* `FillLayer` wraps any source in a `Storage` (feature `fill`, which is off here)."
)]
#![cfg_attr(
    feature = "fill",
    doc = "* [`FreshLayer`](fresh::FreshLayer) keeps lists, `@latest` and what does not exist for a while (feature `fill`)."
)]
#![cfg_attr(
    feature = "upstream",
    doc = "* [`Upstream`] is a source over HTTP (feature `upstream`)."
)]
#![cfg_attr(
    not(feature = "upstream"),
    doc = "* `Upstream` is a source over HTTP (feature `upstream`, which is off here)."
)]
#![cfg_attr(
    feature = "go-get",
    doc = "* [`GoGet`] is a source that has the go command read version control (feature `go-get`)."
)]
#![cfg_attr(
    not(feature = "go-get"),
    doc = "* `GoGet` is a source that has the go command read version control (feature `go-get`, which is off here)."
)]
//!
#![cfg_attr(all(feature = "fill", feature = "upstream"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "fill", feature = "upstream")), doc = "```ignore")]
//! use axum::{Router, routing::get};
//! use tower::Layer;
//! use tower_goproxy::fill::FillLayer;
//! use tower_goproxy::filter::FilterLayer;
//! use tower_goproxy::fresh::FreshLayer;
//! use tower_goproxy::policy::Rules;
//! use tower_goproxy::{Storage, Upstream};
//!
//! # fn app() -> Result<Router, Box<dyn std::error::Error>> {
//! let storage = Storage::disk("modules")?;
//! let stored = FillLayer::new(storage.clone()).layer(Upstream::new("https://proxy.golang.org")?);
//! let include = FreshLayer::new(storage).layer(stored);
//! let app = Router::new()
//!     .route("/healthz", get(|| async { "ok" }))
//!     .layer(FilterLayer::new(Rules::from_file("filter.conf")?, include));
//! # Ok(app)
//! # }
//! ```
//!
//! # Notes
//!
//! * `tower::filter` has types of the same names; they reject requests with an error, ours answer them.
//! * Layers outside see every request, hits too: auth belongs there. To give each user only what they may read, it
//!   inserts an `Access`: see [`access`]. With auth in front, set [`SharedCaches::Not`].
//! * Files of a registry and files from version control are stored apart: each source has a [`source::Area`].
//! * No service here returns an error of its own. A failure is a response, with a status that the go command understands:
//!   404 and 410 only for what does not exist, never for a failure that may pass.
//! * Performance is measured on Linux; other systems use portable paths.
//!
//! # Features
//!
//! None is on by default. `fill`, `upstream` and `go-get` are described above; `sumdb` verifies files against a checksum
//! database, and answers for it; `ring` and
//! `aws-lc-rs` are TLS providers of `upstream` where the process has installed none, `tracing` logs failures, `metrics`
//! counts, and `full` is all of them except `aws-lc-rs`. `go-get` needs Unix.

#![cfg_attr(docsrs, feature(doc_cfg))]
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
// `rust-version` is that of the crate without features.
#![cfg_attr(
    any(feature = "fill", feature = "go-get", feature = "upstream"),
    allow(clippy::incompatible_msrv)
)]

#[cfg(all(feature = "go-get", not(unix)))]
compile_error!("the feature `go-get` needs Unix");

pub mod access;
pub mod filter;
#[cfg(feature = "go-get")]
pub mod goget;
pub mod module;
pub mod policy;
pub mod redirect;
#[cfg(feature = "upstream")]
pub mod upstream;

pub mod source;

#[cfg(feature = "fill")]
mod cached_only;
#[cfg(feature = "fill")]
pub mod check;
mod info;
mod latest;
mod layer_body;
#[cfg(any(feature = "fill", feature = "go-get", feature = "upstream"))]
mod lock;
mod not_found;
mod reply;
mod shared_caches;
#[cfg(any(feature = "fill", feature = "go-get"))]
mod span;
mod target;

#[cfg(feature = "fill")]
mod etag;
#[cfg(feature = "fill")]
mod files;
#[cfg(feature = "fill")]
pub mod fill;
#[cfg(feature = "fill")]
pub mod fresh;
#[cfg(feature = "fill")]
mod observe;
#[cfg(feature = "fill")]
mod same_commit;
#[cfg(feature = "fill")]
pub mod storage;
#[cfg(feature = "sumdb")]
pub mod sumdb;
#[cfg(feature = "fill")]
mod takedown;
#[cfg(feature = "fill")]
pub mod verify;
#[cfg(feature = "fill")]
mod walk;

#[cfg(any(feature = "fill", feature = "go-get"))]
pub use self::access::Access;
#[cfg(feature = "go-get")]
pub use self::goget::GoGet;
pub use self::layer_body::LayerBody;
pub use self::not_found::NotFound;
pub use self::redirect::Redirect;
pub use self::reply::TextBody;
#[cfg(feature = "fill")]
pub use self::same_commit::SameCommit;
pub use self::shared_caches::SharedCaches;
#[cfg(feature = "fill")]
pub use self::storage::Storage;
pub use self::target::{InvalidTarget, Resource, Target};
#[cfg(feature = "upstream")]
pub use upstream::Upstream;

#[cfg(all(doctest, feature = "fill", feature = "upstream"))]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(all(doctest, feature = "fill", feature = "upstream", feature = "go-get"))]
#[doc = include_str!("../docs/layers.md")]
struct LayersPage;
