use std::convert::Infallible;
use std::fmt;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Empty;
use tower::util::Oneshot;
use tower::{BoxError, Service};

use super::body::ResponseBody;
use super::config::{Config, Destination};
use super::future::{ResponseFuture, State};
use super::screen;

/// Sends each request to one of two services, or refuses it. Made by [`FilterLayer`](super::FilterLayer); see the
/// [module docs](super).
///
/// Always ready: each request drives a clone of the service that it needs.
#[derive(Clone)]
pub struct Filter<S, I> {
    pub(super) inner: S,
    pub(super) include: I,
    pub(super) config: Config,
}

impl<S, I> Filter<S, I> {
    /// The inner service, which gets direct requests and those that are not for a module.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service, mutably.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: fmt::Debug, I: fmt::Debug> fmt::Debug for Filter<S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Filter")
            .field("inner", &self.inner)
            .field("include", &self.include)
            .finish_non_exhaustive()
    }
}

impl<S, I, B, SB, IB> Service<Request<B>> for Filter<S, I>
where
    S: Service<Request<B>, Response = Response<SB>> + Clone + Send + 'static,
    S::Future: Send,
    I: Service<Request<Empty<Bytes>>, Response = Response<IB>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    I::Future: Send,
    B: Send + 'static,
    SB: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    IB: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<ResponseBody<SB, IB>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, I, B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let decision = self.config.decide(&mut parts);
        // A request for a module has no body that would say anything.
        let state = match (decision.destination, decision.judge) {
            (Destination::Reply(answer), _) => State::Own {
                response: Box::pin(async { Ok(answer) }),
            },
            (Destination::Inner, None) => State::Inner {
                response: Oneshot::new(self.inner.clone(), Request::from_parts(parts, body)),
            },
            (Destination::Include, None) => {
                let request = Request::from_parts(parts, Empty::new());
                State::Include {
                    response: Oneshot::new(self.include.clone(), request),
                }
            }
            (Destination::Inner, Some(judge)) => State::Own {
                response: Box::pin(screen::inner(judge, self.inner.clone(), parts, body)),
            },
            (Destination::Include, Some(judge)) => State::Own {
                response: Box::pin(screen::include(judge, self.include.clone(), parts)),
            },
        };
        ResponseFuture {
            state,
            applied: decision.applied,
            private: decision.private,
        }
    }
}
