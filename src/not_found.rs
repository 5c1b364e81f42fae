//! The end of the line: a service for what nobody else answers.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use http::{Request, Response, StatusCode};
use tower_service::Service;

use crate::reply::{self, TextBody};

/// A leaf service that answers 404 in `text/plain` to every request.
///
/// It is the inner service of a proxy without direct modules. The go command takes a 404 as "not here" and asks the next
/// entry of `GOPROXY=ours,other`.
///
/// Under a path of an axum app, nest the service that the layer makes. A nested `Router` with the layer but no route of
/// its own answers 404 to everything, since axum drops the layers of a fallback that was not set.
///
/// ```
/// use axum::Router;
/// use axum::body::Body;
/// use http::Request;
/// use tower::{Layer, ServiceExt};
/// use tower_goproxy::filter::FilterLayer;
/// use tower_goproxy::policy::Rules;
/// use tower_goproxy::{NotFound, Redirect};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let include = Redirect::to("https://proxy.golang.org")?;
/// let proxy = FilterLayer::new(Rules::default(), include).layer(NotFound);
/// let app: Router = Router::new().nest_service("/goproxy", proxy);
///
/// for (path, status) in [
///     ("/goproxy/golang.org/x/mod/@v/list", 303),
///     ("/goproxy/anything", 404),
/// ] {
///     let request = Request::get(path).body(Body::empty())?;
///     assert_eq!(app.clone().oneshot(request).await?.status(), status);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NotFound;

impl<B> Service<Request<B>> for NotFound {
    type Response = Response<TextBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(
            reply::text(StatusCode::NOT_FOUND, "not found").map(TextBody)
        ))
    }
}
