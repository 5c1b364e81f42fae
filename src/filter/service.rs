use std::convert::Infallible;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower::{BoxError, Service};

use super::body::ResponseBody;
use super::config::{Config, Way};
use super::future::ResponseFuture;
use crate::policy::Policy;

/// A service with two ways on, made by [`FilterLayer`](super::FilterLayer). See the
/// [module docs](super).
///
/// Always ready: each request drives a clone of the service that it needs.
#[derive(Debug)]
pub struct Filter<S, I, P> {
    inner: S,
    include: I,
    config: Config<P>,
}

impl<S, I, P> Filter<S, I, P> {
    pub(super) fn new(inner: S, include: I, config: Config<P>) -> Self {
        Self {
            inner,
            include,
            config,
        }
    }

    /// The inner service, which gets direct requests and those that are none of a module proxy.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service that gets included requests.
    pub fn include(&self) -> &I {
        &self.include
    }
}

impl<S: Clone, I: Clone, P> Clone for Filter<S, I, P> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            include: self.include.clone(),
            config: self.config.clone(),
        }
    }
}

impl<S, I, P, B, SB, IB> Service<Request<B>> for Filter<S, I, P>
where
    S: Service<Request<B>, Response = Response<SB>> + Clone,
    I: Service<Request<B>, Response = Response<IB>, Error = Infallible> + Clone,
    P: Policy,
    SB: Body<Data = Bytes>,
    SB::Error: Into<BoxError>,
    IB: Body<Data = Bytes>,
    IB::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<IB, SB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, I, P, B, SB, IB>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let way = self.config.way(&mut parts);
        let request = Request::from_parts(parts, body);
        match way {
            Way::Untouched => ResponseFuture::inner(self.inner.clone(), request, None, None),
            Way::Direct(verdict, screen) => {
                ResponseFuture::inner(self.inner.clone(), request, verdict, screen)
            }
            Way::Include(verdict, screen) => {
                ResponseFuture::include(self.include.clone(), request, verdict, screen)
            }
            Way::Reply(verdict, response) => ResponseFuture::reply(response, verdict),
        }
    }
}
