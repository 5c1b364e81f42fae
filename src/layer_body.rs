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
    pub struct LayerBody<B, O = Full<Bytes>> {
        #[pin]
        kind: Either<O, B>,
    }
}

impl<B, O> LayerBody<B, O> {
    pub(crate) fn own(body: O) -> Self {
        let kind = Either::Left(body);
        Self { kind }
    }

    pub(crate) fn inner(body: B) -> Self {
        let kind = Either::Right(body);
        Self { kind }
    }
}

/// Empty, for layers outside that make responses of their own.
impl<B, O: Default> Default for LayerBody<B, O> {
    fn default() -> Self {
        Self::own(O::default())
    }
}

impl<B, O> Body for LayerBody<B, O>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
    O: Body<Data = Bytes, Error: Into<BoxError>>,
{
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

impl<B, O> fmt::Debug for LayerBody<B, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LayerBody").finish_non_exhaustive()
    }
}
