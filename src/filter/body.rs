use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{Either, Full};
use pin_project_lite::pin_project;
use tower::BoxError;

/// What has been read, or is being read, by the filter.
pub(super) type Content = UnsyncBoxBody<Bytes, BoxError>;

pin_project! {
    /// The response body of a [`Filter`](super::Filter): that of the inner service, that of the include service, what the
    /// filter leaves of one, or a line of text.
    pub struct ResponseBody<S, I> {
        #[pin]
        kind: Either<Either<Full<Bytes>, Content>, Either<S, I>>,
    }
}

impl<S, I> ResponseBody<S, I> {
    pub(super) fn inner(body: S) -> Self {
        Self {
            kind: Either::Right(Either::Left(body)),
        }
    }

    pub(super) fn include(body: I) -> Self {
        Self {
            kind: Either::Right(Either::Right(body)),
        }
    }

    pub(super) fn own(body: Full<Bytes>) -> Self {
        Self {
            kind: Either::Left(Either::Left(body)),
        }
    }

    pub(super) fn content(body: Content) -> Self {
        Self {
            kind: Either::Left(Either::Right(body)),
        }
    }
}

/// Empty, for layers outside that make responses of their own.
impl<S, I> Default for ResponseBody<S, I> {
    fn default() -> Self {
        Self::own(Full::default())
    }
}

impl<S, I> Body for ResponseBody<S, I>
where
    S: Body<Data = Bytes, Error: Into<BoxError>>,
    I: Body<Data = Bytes, Error: Into<BoxError>>,
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

impl<S, I> fmt::Debug for ResponseBody<S, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}
