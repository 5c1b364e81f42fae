use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use pin_project_lite::pin_project;
use tower::BoxError;

pin_project! {
    /// The body of an answer of a [`Filter`](super::Filter): that of the include service, that of
    /// the inner service, or a line of its own.
    pub struct ResponseBody<I, S> {
        #[pin]
        kind: Kind<I, S>,
    }
}

pin_project! {
    #[project = KindProj]
    enum Kind<I, S> {
        Include { #[pin] body: I },
        Inner { #[pin] body: S },
        Reply { #[pin] body: Full<Bytes> },
    }
}

impl<I, S> ResponseBody<I, S> {
    pub(super) fn include(body: I) -> Self {
        Self {
            kind: Kind::Include { body },
        }
    }

    pub(super) fn inner(body: S) -> Self {
        Self {
            kind: Kind::Inner { body },
        }
    }

    pub(super) fn reply(body: Full<Bytes>) -> Self {
        Self {
            kind: Kind::Reply { body },
        }
    }
}

/// Empty, for layers outside that make answers of their own.
impl<I, S> Default for ResponseBody<I, S> {
    fn default() -> Self {
        Self::reply(Full::default())
    }
}

impl<I, S> Body for ResponseBody<I, S>
where
    I: Body<Data = Bytes>,
    I::Error: Into<BoxError>,
    S: Body<Data = Bytes>,
    S::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().kind.project() {
            KindProj::Include { body } => body.poll_frame(cx).map_err(Into::into),
            KindProj::Inner { body } => body.poll_frame(cx).map_err(Into::into),
            KindProj::Reply { body } => body.poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Include { body } => body.is_end_stream(),
            Kind::Inner { body } => body.is_end_stream(),
            Kind::Reply { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Include { body } => body.size_hint(),
            Kind::Inner { body } => body.size_hint(),
            Kind::Reply { body } => body.size_hint(),
        }
    }
}

impl<I, S> fmt::Debug for ResponseBody<I, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}
