//! The answer that leaves the work to the upstream registry: 303 See Other.
//!
//! [`Redirect`] is the include service of a proxy that stores nothing. Clients that may not reach
//! the registry themselves need a `FillLayer` instead.
//!
//! The redirect is never a permanent one: a later rule, or a storage added later, must be able to
//! take a module back.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::{Ready, ready};
use std::str::FromStr;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::LOCATION;
use http::uri::Scheme;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::Full;
use tower_service::Service;

use crate::reply::{self, TextBody};

/// The address of a registry, to which paths of modules are appended: an `http` or `https` URL
/// without a query, a fragment, or credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(String);

/// An address that cannot be the target of a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidBase {
    address: String,
    reason: &'static str,
}

impl Base {
    pub(crate) fn new(address: &str) -> Result<Self, InvalidBase> {
        let invalid = |reason| InvalidBase {
            address: without_credentials(address),
            reason,
        };
        if address.contains([',', '|']) {
            return Err(invalid("a list, but a redirect leads to one registry"));
        }
        let uri: Uri = address.parse().map_err(|_| invalid("not a URL"))?;
        let scheme = uri.scheme();
        if scheme != Some(&Scheme::HTTP) && scheme != Some(&Scheme::HTTPS) {
            return Err(invalid("must begin with http:// or https://"));
        }
        if uri.query().is_some() || address.contains('#') {
            return Err(invalid("must not have a query or a fragment"));
        }
        // The parser drops it, and the paths would all come behind it.
        if uri
            .authority()
            .is_some_and(|host| host.as_str().contains('@'))
        {
            return Err(invalid(
                "must not have credentials, which every client would see",
            ));
        }
        Ok(Self(address.trim_end_matches('/').to_owned()))
    }

    /// 303 to this address with a path, which begins with a slash, and with the query of this URI.
    pub(crate) fn see_other(&self, path: &str, uri: &Uri) -> Response<Full<Bytes>> {
        let query = uri.query().map(|query| format!("?{query}"));
        let location = format!("{}{path}{}", self.0, query.unwrap_or_default());
        // Both halves came out of a parsed URI; this is for the compiler.
        let Ok(location) = HeaderValue::try_from(location) else {
            return reply::text(StatusCode::BAD_REQUEST, "the path cannot be redirected");
        };
        let mut response = reply::text(StatusCode::SEE_OTHER, "the file is at the upstream");
        response.headers_mut().insert(LOCATION, location);
        response
    }
}

/// For a message, which may go into a log.
fn without_credentials(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((_, host)) => format!("(credentials)@{host}"),
        None => address.to_owned(),
    }
}

impl FromStr for Base {
    type Err = InvalidBase;

    /// As [`Redirect::to`].
    fn from_str(address: &str) -> Result<Self, InvalidBase> {
        Self::new(address)
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvalidBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot redirect to {:?}: {}", self.address, self.reason)
    }
}

impl Error for InvalidBase {}

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
}

impl<B> Service<Request<B>> for Redirect {
    type Response = Response<TextBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            return ready(Ok(reply::method_not_allowed().map(TextBody)));
        }
        let uri = request.uri();
        let response = match uri.path().starts_with('/') {
            true => self.base.see_other(uri.path(), uri),
            false => reply::text(StatusCode::BAD_REQUEST, "the request has no path"),
        };
        ready(Ok(response.map(TextBody)))
    }
}
