//! For whom a request is answered: an `Access` or an [`Identity`], put into its extensions by an auth layer.
//!
//! An [`Identity`] is a name and has no files of its own. An `Access` (features `fill` and `go-get`) has files and
//! credentials of its own; the rest of this page is about it.
//!
//! A proxy has two kinds of files: those that all of its clients may have, and those that only some may. Where a source
//! answers everyone with credentials of its own, all files are of the first kind. Where each user is to see what the hosts
//! of the repositories let *them* see, an auth layer outside of the proxy says who is asking:
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
//! let goget = GoGet::new("/var/cache/goproxy").private("git.corp.example");
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
//! | stored files | below `@for/{hash of the owner}/` | below the module's path |
//! | running fills | one per file, owner and credentials | one per file |
//! | `Cache-Control` | `private` | `public` for files |
//! | module cache of a go-get service | the owner's | the service's |
//! | credentials of a go-get service | the owner's, then its own for other hosts | its own |
//!
//! So what one owner has is never an answer for another one, nor for a request without an owner; and the other way
//! round, what is stored for everyone is not looked at for a request that has one. Whether somebody *is* the owner is for
//! the auth layer to find out, at every request: a file that is stored for an owner stays theirs, also when the host of the
//! repository would no longer give it to them. To take that away, take the owner away, or delete their folders.
//!
//! # Files for all
//!
//! Public modules would be stored once per owner. `FillLayer::shared()` and `GoGet::shared()` say that the files of
//! this service are for everyone, whoever had them made: right for a source that does not look at the `Access`, such as
//! `Upstream`, and where every user may read everything.

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
