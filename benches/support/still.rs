//! A service that costs nothing, so that what is measured is the price of what stands in front of it.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body_util::Empty;
use tower_goproxy::SharedCaches;
use tower_goproxy::filter::{Filter, FilterLayer};
use tower_goproxy::policy::Rules;
use tower_layer::Layer;
use tower_service::Service;

use super::now;

/// Answers at once.
#[derive(Clone, Debug)]
pub struct Still;

impl Service<Request<()>> for Still {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        black_box(request);
        ready(Ok(Response::new(Empty::new())))
    }
}

/// A request for each way through [`layered`].
pub const REQUESTS: [(&str, &str); 3] = [
    ("no module request", "/api/v1/users/42/settings"),
    ("direct", "/git.corp.example/team/module/@v/v1.2.3.zip"),
    ("include", "/github.com/!burnt!sushi/toml/@v/v1.4.0.zip"),
];

/// The layer between two of them.
pub fn layered() -> Filter<Still, Still, Rules> {
    let rules = Rules::parse("+\nD git.corp.example\n- github.com/evil").expect("good rules");
    // Else a header would be added to responses that have none.
    let layer = FilterLayer::new(rules, Still).shared_caches(SharedCaches::Allowed);
    layer.layer(Still)
}

pub fn request(path: &'static str) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = Uri::from_static(path);
    request
}

pub fn ask<S>(service: &mut S, path: &'static str) -> S::Response
where
    S: Service<Request<()>>,
{
    match now(service.call(request(path))) {
        Ok(response) => response,
        Err(_) => unreachable!("neither service fails"),
    }
}
