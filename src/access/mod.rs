//! Who sends a request: an `Access` or an [`Identity`], inserted into its extensions by an auth layer.
//!
//! An [`Identity`] is a name. It makes responses `Cache-Control: private`, and changes nothing else. An `Access` (features
//! `fill` and `go-get`) has files and credentials of its own; the rest of this page is about it.
//!
//! If a source uses credentials of its own for everyone, all clients share all files, and no `Access` is needed. To give
//! each user only what the hosts of the repositories let them read, an auth layer outside the proxy inserts an `Access`:
//!
#![cfg_attr(all(feature = "fill", feature = "go-get"), doc = "```no_run")]
#![cfg_attr(not(all(feature = "fill", feature = "go-get")), doc = "```ignore")]
//! use axum::Router;
//! use axum::extract::Request;
//! use axum::http::StatusCode;
//! use axum::middleware::{self, Next};
//! use axum::response::{IntoResponse, Response};
//! use tower::Layer;
//! use tower_goproxy::fill::FillLayer;
//! use tower_goproxy::goget::Settings;
//! use tower_goproxy::{Access, GoGet, Storage};
//!
//! /// An app looks into its directory of users here, and into its store of their tokens.
//! fn recognise(request: &Request) -> Option<Access> {
//!     match request.headers().get("authorization")?.as_bytes() {
//!         b"Basic YWxpY2U6b25l" => Access::new("alice").token("git.corp.example", "glpat-one").ok(),
//!         b"Basic Ym9iOnR3bw==" => Access::new("bob").token("git.corp.example", "glpat-two").ok(),
//!         _ => None,
//!     }
//! }
//!
//! async fn auth(mut request: Request, next: Next) -> Response {
//!     let Some(access) = recognise(&request) else {
//!         let ask = [("www-authenticate", "Basic realm=\"modules\"")];
//!         return (StatusCode::UNAUTHORIZED, ask, "who are you?\n").into_response();
//!     };
//!     request.extensions_mut().insert(access);
//!     next.run(request).await
//! }
//!
//! # fn app() -> Result<Router, Box<dyn std::error::Error>> {
//! let goget = GoGet::new(Settings::new("/var/cache/goproxy").private("git.corp.example"))?;
//! let app = Router::new()
//!     .fallback_service(FillLayer::new(Storage::disk("modules")?).layer(goget))
//!     .layer(middleware::from_fn(auth));
//! # Ok(app)
//! # }
//! ```
//!
//! # What holds then
//!
//! | | with an `Access` | without |
//! |---|---|---|
//! | stored files | below `@for/{SHA-256 of the owner}/` | direct ones below `@direct/`, others below the module's path |
//! | running fills | one per file, owner and credentials | one per file |
//! | `Cache-Control` | `private` | `private` for direct modules, else `public` |
//! | clones of a go-get service | the owner's | the service's |
//! | credentials of a go-get service | the owner's, then its own for other hosts | its own |
//!
//! Files of an owner are never a response to another owner, nor to a request without one. In turn, a request with an owner
//! is never answered with files that are stored for everyone. The auth layer decides at every request who the owner is. A
//! stored file stays readable for its owner, even if the host of the repository would refuse it now. To revoke that, stop
//! inserting that owner, or delete their folders.
//!
//! The owner must be a stable id that is not a secret, such as a user name: a new password must not change it.
//!
//! # Files for all
//!
//! Public modules would be stored once per owner. With `FillLayer::shared()` and `goget::Settings::shared()` all owners share the
//! files of a service. Use it for a source that does not look at the `Access`, such as `Upstream`, and where every user may
//! read everything.
//!
//! # Shared caches
//!
//! A CDN or nginx in front of the proxy keeps a response only if its `Cache-Control` allows that: see
//! [`SharedCaches`](crate::SharedCaches). Behind authentication of any kind, set
//! [`SharedCaches::Not`](crate::SharedCaches::Not).

#[cfg(any(feature = "fill", feature = "go-get"))]
pub(crate) mod credentials;
pub(crate) mod identity;
#[cfg(any(feature = "fill", feature = "go-get"))]
pub(crate) mod logins;
#[cfg(any(feature = "fill", feature = "go-get"))]
pub(crate) mod value;

#[cfg(any(feature = "fill", feature = "go-get"))]
pub use self::credentials::{Credentials, InvalidCredentials};
pub use self::identity::Identity;
#[cfg(any(feature = "fill", feature = "go-get"))]
pub use self::value::Access;
