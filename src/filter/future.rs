use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Either, Empty};
use pin_project_lite::pin_project;
use tower::Service;
use tower::util::Oneshot;

use super::applied_rule::AppliedRule;
use super::body::{Answer, ResponseBody};
use crate::shared_caches::make_private;

pin_project! {
    /// The response future of a [`Filter`](super::Filter).
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S, I, B>
    where
        S: Service<Request<B>>,
        I: Service<Request<Empty<Bytes>>>,
    {
        #[pin]
        pub(super) state: State<S, I, B>,
        pub(super) applied: Option<AppliedRule>,
        pub(super) private: bool,
    }
}

pin_project! {
    #[project = StateProj]
    pub(super) enum State<S, I, B>
    where
        S: Service<Request<B>>,
        I: Service<Request<Empty<Bytes>>>,
    {
        Inner { #[pin] response: Oneshot<S, Request<B>> },
        Include { #[pin] response: Oneshot<I, Request<Empty<Bytes>>> },
        // What the filter says itself, or reads, can afford a box.
        Own { response: Pin<Box<dyn Future<Output = Result<Answer, S::Error>> + Send>> },
    }
}

impl<S, I, B, SB, IB> Future for ResponseFuture<S, I, B>
where
    S: Service<Request<B>, Response = Response<SB>>,
    I: Service<Request<Empty<Bytes>>, Response = Response<IB>, Error = Infallible>,
{
    type Output = Result<Response<ResponseBody<SB, IB>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut response = match this.state.project() {
            StateProj::Inner { response } => {
                let response = ready!(response.poll(cx))?;
                response.map(|body| ResponseBody::inner(Either::Left(body)))
            }
            StateProj::Include { response } => {
                let Ok(response) = ready!(response.poll(cx));
                response.map(|body| ResponseBody::inner(Either::Right(body)))
            }
            StateProj::Own { response } => {
                ready!(response.as_mut().poll(cx))?.map(ResponseBody::own)
            }
        };
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

impl<S, I, B> fmt::Debug for ResponseFuture<S, I, B>
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
