//! The body of a response of a source of this crate.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full};

/// The body of a response of a source.
///
/// It ends cleanly only after all bytes of its declared length; otherwise it ends with an error. Its size hint is exact
/// where the length is known. The default is an empty body.
///
/// ```
/// use http_body::Body;
/// use tower_goproxy::source::SourceBody;
///
/// assert_eq!(SourceBody::<std::io::Error>::default().size_hint().exact(), Some(0));
/// ```
///
/// # Cancel safety
///
/// No part is lost between polls. Dropping it ends the work for it.
pub struct SourceBody<E>(UnsyncBoxBody<Bytes, E>);

impl<E: 'static> SourceBody<E> {
    pub(crate) fn new(body: impl Body<Data = Bytes, Error = E> + Send + 'static) -> Self {
        Self(body.boxed_unsync())
    }

    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::new(Full::new(bytes.into()).map_err(|never| match never {}))
    }
}

impl<E: 'static> Default for SourceBody<E> {
    fn default() -> Self {
        Self::whole(Bytes::new())
    }
}

impl<E> Body for SourceBody<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl<E> fmt::Debug for SourceBody<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceBody").finish_non_exhaustive()
    }
}
