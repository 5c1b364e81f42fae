use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::Empty;
use pin_project_lite::pin_project;
use tower::util::Oneshot;
use tower::{BoxError, Service};

use super::applied_rule::AppliedRule;
use super::body::ResponseBody;
use super::call::Call;
use super::config::{Decision, Destination};
use crate::shared_caches::make_private;

pin_project! {
    /// The response future of a [`Filter`](super::Filter).
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, I, B, SB, IB>
    where
        S: Service<Request<B>>,
        I: Service<Request<Empty<Bytes>>>,
    {
        #[pin]
        state: State<S, I, B, SB, IB>,
        applied: Option<AppliedRule>,
        private: bool,
    }
}

type Screened<SB, IB, E> =
    Pin<Box<dyn Future<Output = Result<Response<ResponseBody<SB, IB>>, E>> + Send>>;

pin_project! {
    #[project = StateProj]
    enum State<S, I, B, SB, IB>
    where
        S: Service<Request<B>>,
        I: Service<Request<Empty<Bytes>>>,
    {
        Called { #[pin] call: Call<S, I, B> },
        // A request whose response is read can afford a box.
        Screened { response: Screened<SB, IB, S::Error> },
    }
}

impl<S, I, B, SB, IB> From<Call<S, I, B>> for State<S, I, B, SB, IB>
where
    S: Service<Request<B>>,
    I: Service<Request<Empty<Bytes>>>,
{
    fn from(call: Call<S, I, B>) -> Self {
        Self::Called { call }
    }
}

impl<S, I, B, SB, IB> ResponseFuture<S, I, B, SB, IB>
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
    pub(super) fn new(inner: &S, include: &I, request: Request<B>, decision: Decision) -> Self {
        let state = match (decision.destination, decision.screen) {
            (Destination::Reply(response), _) => Call::Own {
                response: Some(response),
            }
            .into(),
            (Destination::Inner, None) => Call::Inner {
                response: Oneshot::new(inner.clone(), request),
            }
            .into(),
            // A request for a module has no body that would say anything.
            (Destination::Include, None) => Call::Include {
                response: Oneshot::new(include.clone(), request.map(|_| Empty::new())),
            }
            .into(),
            (Destination::Inner, Some(screen)) => State::Screened {
                response: Box::pin(screen.inner(inner.clone(), request)),
            },
            (Destination::Include, Some(screen)) => {
                let answer = screen.include(include.clone(), request.map(|_| Empty::new()));
                State::Screened {
                    response: Box::pin(async { Ok(answer.await) }),
                }
            }
        };
        Self {
            state,
            applied: decision.applied,
            private: decision.private,
        }
    }
}

impl<S, I, B, SB, IB> Future for ResponseFuture<S, I, B, SB, IB>
where
    S: Service<Request<B>, Response = Response<SB>>,
    I: Service<Request<Empty<Bytes>>, Response = Response<IB>, Error = Infallible>,
{
    type Output = Result<Response<ResponseBody<SB, IB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = ready!(match this.state.project() {
            StateProj::Called { call } => call.poll(cx),
            StateProj::Screened { response } => response.as_mut().poll(cx),
        })?;
        if *this.private {
            make_private(response.headers_mut());
        }
        if let Some(applied) = this.applied.take() {
            // Unless a filter inside this one has set its own.
            response.extensions_mut().get_or_insert_with(|| applied);
        }
        Poll::Ready(Ok(response))
    }
}

impl<S, I, B, SB, IB> fmt::Debug for ResponseFuture<S, I, B, SB, IB>
where
    S: Service<Request<B>>,
    I: Service<Request<Empty<Bytes>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("applied", &self.applied)
            .finish_non_exhaustive()
    }
}
