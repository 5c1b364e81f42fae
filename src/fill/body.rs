use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use pin_project_lite::pin_project;
use tower::BoxError;

use super::spool::SpoolBody;
use crate::storage::StoredBody;

pin_project! {
    /// The body of an answer of [`Fill`](super::Fill): a stored file, a running fill as it is
    /// read, or what the source has sent.
    ///
    /// Ends cleanly only if the file, or the asked part of it, is whole; else it ends with an
    /// error, which breaks the connection. The frames are small, so that a client that has
    /// stopped reading holds little memory.
    pub struct ResponseBody<B> {
        #[pin]
        inner: Inner<B>,
    }
}

pin_project! {
    #[project = InnerProj]
    enum Inner<B> {
        Reply { #[pin] body: Full<Bytes> },
        Stored { #[pin] body: StoredBody },
        Spool { #[pin] body: SpoolBody },
        Source { #[pin] body: B },
    }
}

impl<B> ResponseBody<B> {
    pub(super) fn reply(body: Full<Bytes>) -> Self {
        Self {
            inner: Inner::Reply { body },
        }
    }

    pub(super) fn stored(body: StoredBody) -> Self {
        Self {
            inner: Inner::Stored { body },
        }
    }

    pub(super) fn spool(body: SpoolBody) -> Self {
        Self {
            inner: Inner::Spool { body },
        }
    }

    pub(super) fn source(body: B) -> Self {
        Self {
            inner: Inner::Source { body },
        }
    }
}

/// Empty, for layers outside that make answers of their own.
impl<B> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::reply(Full::default())
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.project().inner.project() {
            InnerProj::Reply { body } => body.poll_frame(cx).map_err(Into::into),
            InnerProj::Stored { body } => body.poll_frame(cx).map_err(Into::into),
            InnerProj::Spool { body } => body.poll_frame(cx),
            InnerProj::Source { body } => body.poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Reply { body } => body.is_end_stream(),
            Inner::Stored { body } => body.is_end_stream(),
            Inner::Spool { body } => body.is_end_stream(),
            Inner::Source { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Reply { body } => body.size_hint(),
            Inner::Stored { body } => body.size_hint(),
            Inner::Spool { body } => body.size_hint(),
            Inner::Source { body } => body.size_hint(),
        }
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.inner {
            Inner::Reply { .. } => "Reply",
            Inner::Stored { .. } => "Stored",
            Inner::Spool { .. } => "Spool",
            Inner::Source { .. } => "Source",
        };
        f.debug_tuple("ResponseBody")
            .field(&format_args!("{kind}"))
            .finish()
    }
}
