use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::Response;

/// The future of a source of this crate.
///
/// # Cancel safety
///
/// Dropping it ends the work for this request, except what the source's own docs say goes on.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<B>(Pin<Box<dyn Future<Output = Response<B>> + Send>>);

impl<B> ResponseFuture<B> {
    pub(crate) fn new(response: impl Future<Output = Response<B>> + Send + 'static) -> Self {
        Self(Box::pin(response))
    }
}

impl<B> Future for ResponseFuture<B> {
    type Output = Result<Response<B>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

impl<B> fmt::Debug for ResponseFuture<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
