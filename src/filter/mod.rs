//! Applies a rule to each request for a module, and sends it where the rule leads.
//!
//! [`FilterLayer`] has a policy and a service. Included requests go to that service, direct ones to the inner service,
//! which the layer wraps, and excluded ones are refused. A request that is not for a module goes to the inner service,
//! unchanged.
//!
//! ```
//! use http::Request;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_goproxy::filter::FilterLayer;
//! use tower_goproxy::policy::Rules;
//! use tower_goproxy::Redirect;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let rules = Rules::parse("
//!     +
//!     D corp.example
//!     - example.com/evil
//! ")?;
//! let inner = service_fn(|_: Request<String>| async {
//!     Ok::<_, std::convert::Infallible>(http::Response::new("from the inner service".to_string()))
//! });
//! let app = ServiceBuilder::new()
//!     .layer(FilterLayer::new(rules, Redirect::to("https://proxy.golang.org")?))
//!     .service(inner);
//!
//! for (path, status) in [
//!     ("/example.com/m/@v/list", 303),
//!     ("/example.com/evil/@v/list", 403),
//!     ("/corp.example/m/@v/list", 200),
//!     ("/healthz", 200),
//! ] {
//!     let request = Request::get(path).body(String::new())?;
//!     let response = app.clone().oneshot(request).await?;
//!     assert_eq!(response.status(), status, "{path}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `tower::filter` has types of the same names that mean something else: they reject a request
//! with an error.
//!
//! # One policy for every endpoint
//!
//! A policy that looks at versions also decides what lists say. Where
//! [`Policy::depends_on_version`](crate::policy::Policy::depends_on_version) holds, the response to
//! `@v/list` is read and excluded versions are left out, and a branch that leads to an excluded version is refused.
//! If `@latest` is excluded, the filter requests the list, and responds with the `.info` of the newest version in it that
//! is allowed: a release if there is one, else a pre-release; an `+incompatible` one only if the highest allowed tag of the
//! others has no go.mod. If no version is allowed, `@latest` is refused. A request is judged by one
//! [snapshot](crate::policy::Policy::snapshot) of the policy, with every version in its response.
//!
//! The include service gets up to four requests for this. The inner service gets one, since there is one request body:
//! if `@latest` of a direct module is excluded, the client is redirected to the allowed version, by relative 303s. The go
//! command follows these, below a mount point and with its credentials. The `.mod` of a direct version is not requested:
//! only an `+incompatible` `@latest` is replaced by another `+incompatible` version.
//!
//! For this the services get `GET` instead of `HEAD`, without ranges and conditions. A list is filtered while it is read,
//! up to 16 MiB; for HTTP/1.0 it is read first. A response for one version may have 64 KiB. Of the head only `Age`, `Cache-Control`, `Cache-Status`,
//! `Date`, `Expires` and `Vary` stay. A redirect is answered with 502, since it leads to all versions:
//! [`Redirect::filtered_from`](crate::Redirect::filtered_from) names a source for what has to be filtered.
//!
//! # Layers outside and inside
//!
//! If built [`with_applied_rules`](FilterLayer::with_applied_rules), the layer puts its decision into the extensions of the
//! request, for the service that gets it, and of the response, for layers outside. An auth layer outside can put the user
//! into the extensions, where the policy finds it.
//!
//! The layer adds no error of its own, so it fits `axum::Router::layer`. It is always ready: which
//! service a request needs is not known before the request, and a redirect must not wait for
//! the capacity of version control.
//!
//! # Mount points
//!
//! Under axum's `nest` the prefix of a path is gone before a layer inside sees it. Where the
//! layer sees the whole path, [`FilterLayer::prefix`] tells it where the proxy is mounted.
//!
//! Nest a service, not a `Router` without routes, whose layers axum drops:
//!
//! ```
//! # use axum::Router;
//! # use tower::Layer;
//! # use tower_goproxy::filter::FilterLayer;
//! # use tower_goproxy::policy::Rules;
//! # use tower_goproxy::{NotFound, Redirect};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let layer = FilterLayer::new(Rules::default(), Redirect::to("https://proxy.golang.org")?);
//! let app: Router = Router::new().nest_service("/goproxy", layer.layer(NotFound));
//! # Ok(())
//! # }
//! ```

mod again;
mod applied_rule;
mod body;
mod config;
mod error;
mod future;
mod judge;
mod layer;
mod lines;
mod list;
mod read;
mod refusal;
mod screen;
mod service;

pub use self::applied_rule::AppliedRule;
pub use self::body::ResponseBody;
pub use self::error::InvalidExcludeStatus;
pub use self::future::ResponseFuture;
pub use self::layer::FilterLayer;
pub use self::service::Filter;
