use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;

use super::body::ResponseBody;

/// The answer of a [`Fill`](super::Fill) to come.
///
/// Dropped early, the client has left: a running fill goes on or stops as
/// [`OnDisconnect`](super::OnDisconnect) says.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<B> {
    inner: Inner<B>,
}

#[expect(
    clippy::large_enum_variant,
    reason = "a hit in memory is to cost no allocation"
)]
enum Inner<B> {
    Ready(Option<Response<ResponseBody<B>>>),
    Answer(Pin<Box<dyn Future<Output = Response<ResponseBody<B>>> + Send>>),
}

impl<B> ResponseFuture<B> {
    pub(super) fn ready(response: Response<ResponseBody<B>>) -> Self {
        Self {
            inner: Inner::Ready(Some(response)),
        }
    }

    pub(super) fn answer(
        answer: impl Future<Output = Response<ResponseBody<B>>> + Send + 'static,
    ) -> Self {
        Self {
            inner: Inner::Answer(Box::pin(answer)),
        }
    }
}

/// Nothing in it is pinned in place: the body is behind a box or not polled here.
impl<B> Unpin for ResponseFuture<B> {}

impl<B> Future for ResponseFuture<B> {
    type Output = Result<Response<ResponseBody<B>>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.inner {
            Inner::Ready(response) => match response.take() {
                Some(response) => Poll::Ready(Ok(response)),
                None => panic!("a response future was polled after it was ready"),
            },
            Inner::Answer(answer) => answer.as_mut().poll(cx).map(Ok),
        }
    }
}

impl<B> fmt::Debug for ResponseFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
