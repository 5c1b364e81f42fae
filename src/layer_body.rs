use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Either, Full};
use pin_project_lite::pin_project;
use tower::BoxError;

pin_project! {
    /// The response body of a layer that answers some requests by itself: one of its own, or that of the service inside.
    pub struct LayerBody<B> {
        #[pin]
        kind: Either<Full<Bytes>, B>,
    }
}

impl<B> LayerBody<B> {
    pub(crate) fn own(body: Full<Bytes>) -> Self {
        let kind = Either::Left(body);
        Self { kind }
    }

    pub(crate) fn inner(body: B) -> Self {
        let kind = Either::Right(body);
        Self { kind }
    }
}

/// Empty, for layers outside that make responses of their own.
impl<B> Default for LayerBody<B> {
    fn default() -> Self {
        Self::own(Full::default())
    }
}

impl<B: Body<Data = Bytes, Error: Into<BoxError>>> Body for LayerBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.project().kind.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.kind.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.kind.size_hint()
    }
}

impl<B> fmt::Debug for LayerBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerBody").finish_non_exhaustive()
    }
}
