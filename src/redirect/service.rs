use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use http::{Method, Request, Response, StatusCode};
use tower_service::Service;

use super::base::{Base, InvalidBase};
use super::filtered::FilteredRedirect;
use crate::reply::{self, TextBody};

/// A leaf service that redirects `GET` and `HEAD` to the same path at a registry. Other methods are 405, a request
/// without a path (`GET *`) is 400.
///
/// The path is kept as it was requested, `%21` and `!` included, and so is the query. A path prefix
/// under which the proxy is mounted must be gone by then: axum's `nest` removes it, and so does
/// [`FilterLayer::prefix`](crate::filter::FilterLayer::prefix).
///
/// ```
/// use http::Request;
/// use tower::ServiceExt;
/// use tower_goproxy::Redirect;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let redirect = Redirect::to("https://proxy.golang.org")?;
/// let request = Request::get("/github.com/%21burnt%21sushi/toml/@v/list").body(())?;
/// let response = redirect.oneshot(request).await?;
/// assert_eq!(response.status(), 303);
/// assert_eq!(
///     response.headers()["location"],
///     "https://proxy.golang.org/github.com/%21burnt%21sushi/toml/@v/list",
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Redirect {
    base: Base,
}

impl Redirect {
    /// Redirects to the registry at this address; a path in it comes before the module's.
    ///
    /// # Errors
    ///
    /// If the address is not an `http` or `https` URL, is a list, or has a query, a fragment or credentials.
    pub fn to(address: &str) -> Result<Self, InvalidBase> {
        Base::new(address).map(|base| Self { base })
    }

    /// With a source for what a [`Filter`](crate::filter::Filter) has to read: lists, `@latest` and queries of modules of
    /// which it excludes some versions. Everything else is redirected.
    ///
    /// Without a source, the filter answers those with 502, since a redirect would lead to all versions.
    ///
    /// ```
    /// use tower_goproxy::filter::FilterLayer;
    /// use tower_goproxy::policy::Rules;
    /// use tower_goproxy::{NotFound, Redirect};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let source = NotFound; // or Upstream::new("https://proxy.golang.org")?
    /// let redirect = Redirect::to("https://proxy.golang.org")?.filtered_from(source);
    /// let layer = FilterLayer::new(Rules::parse("- golang.org/x/crypto <v0.31.0")?, redirect);
    /// # Ok(())
    /// # }
    /// ```
    pub fn filtered_from<S>(self, source: S) -> FilteredRedirect<S> {
        FilteredRedirect::new(self, source)
    }

    pub(super) fn respond<B>(&self, request: &Request<B>) -> Response<TextBody> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return reply::method_not_allowed().map(TextBody);
        }
        let uri = request.uri();
        let response = match uri.path().starts_with('/') {
            true => self.base.see_other(uri.path(), uri),
            false => reply::text(StatusCode::BAD_REQUEST, "the request has no path"),
        };
        response.map(TextBody)
    }
}

impl<B> Service<Request<B>> for Redirect {
    type Response = Response<TextBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        ready(Ok(self.respond(&request)))
    }
}
