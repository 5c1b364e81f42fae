use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, response};
use http_body::Body;
use http_body_util::combinators::Collect;
use http_body_util::{BodyExt as _, Limited};
use pin_project_lite::pin_project;
use tower::util::Oneshot;
use tower::{BoxError, Service};

use super::applied_rule::AppliedRule;
use super::body::ResponseBody;
use super::call::{Call, POLLED_AGAIN};
use super::config::{Decision, Destination};
use super::refusal::unreadable;
use super::screen::Screen;
use crate::policy::Policy;
use crate::shared_caches::make_private;

/// The most bytes of a response that are searched for excluded versions.
const LIMIT: usize = 16 * 1024 * 1024;

pin_project! {
    /// The response future of a [`Filter`](super::Filter).
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, I, P, B, SB, IB>
    where
        S: Service<Request<B>>,
        I: Service<Request<B>>,
        SB: Body<Data = Bytes, Error: Into<BoxError>>,
        IB: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        #[pin]
        state: State<S, I, B, SB, IB>,
        screen: Option<Box<Screen<P>>>,
        applied: Option<AppliedRule>,
        private: bool,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S, I, B, SB, IB>
    where
        S: Service<Request<B>>,
        I: Service<Request<B>>,
        SB: Body<Data = Bytes, Error: Into<BoxError>>,
        IB: Body<Data = Bytes, Error: Into<BoxError>>,
    {
        Called { #[pin] call: Call<S, I, B> },
        Reading {
            head: Option<response::Parts>,
            #[pin]
            content: Collect<Limited<ResponseBody<SB, IB>>>,
        },
    }
}

impl<S, I, P, B, SB, IB> ResponseFuture<S, I, P, B, SB, IB>
where
    S: Service<Request<B>> + Clone,
    I: Service<Request<B>> + Clone,
    SB: Body<Data = Bytes, Error: Into<BoxError>>,
    IB: Body<Data = Bytes, Error: Into<BoxError>>,
{
    pub(super) fn new(inner: &S, include: &I, request: Request<B>, decision: Decision<P>) -> Self {
        let call = match decision.destination {
            Destination::Inner => Call::Inner {
                response: Oneshot::new(inner.clone(), request),
            },
            Destination::Include => Call::Include {
                response: Oneshot::new(include.clone(), request),
            },
            Destination::Reply(response) => Call::Own {
                response: Some(response),
            },
        };
        Self {
            state: State::Called { call },
            screen: decision.screen,
            applied: decision.applied,
            private: decision.private,
        }
    }
}

impl<S, I, P, B, SB, IB> Future for ResponseFuture<S, I, P, B, SB, IB>
where
    S: Service<Request<B>, Response = Response<SB>>,
    I: Service<Request<B>, Response = Response<IB>, Error = Infallible>,
    P: Policy,
    SB: Body<Data = Bytes, Error: Into<BoxError>>,
    IB: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Output = Result<Response<ResponseBody<SB, IB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let mut response = loop {
            match this.state.as_mut().project() {
                StateProj::Called { call } => {
                    let (head, body) = ready!(call.poll(cx))?.into_parts();
                    let screen = this.screen.as_ref();
                    match screen.map_or(Ok(false), |screen| screen.needs_content(&head)) {
                        Ok(false) => break Response::from_parts(head, body),
                        Err(reason) => break unreadable(&reason).map(ResponseBody::own),
                        Ok(true) => this.state.set(State::Reading {
                            head: Some(head),
                            content: Limited::new(body, LIMIT).collect(),
                        }),
                    }
                }
                StateProj::Reading { head, content } => {
                    let content = ready!(content.poll(cx)).map(|content| content.to_bytes());
                    let head = head.take().expect(POLLED_AGAIN);
                    let screen = this.screen.as_ref().expect("only screened bodies are read");
                    break screen.response(head, content).map(ResponseBody::own);
                }
            }
        };
        if this.screen.as_ref().is_some_and(|screen| screen.is_head()) {
            response = response.map(|_| ResponseBody::default());
        }
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

impl<S, I, P, B, SB, IB> fmt::Debug for ResponseFuture<S, I, P, B, SB, IB>
where
    S: Service<Request<B>>,
    I: Service<Request<B>>,
    SB: Body<Data = Bytes, Error: Into<BoxError>>,
    IB: Body<Data = Bytes, Error: Into<BoxError>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("applied", &self.applied)
            .finish_non_exhaustive()
    }
}
