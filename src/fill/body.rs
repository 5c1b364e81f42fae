use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use tower::BoxError;

/// The response body of a [`Fill`](super::Fill): a stored file, a running fill, or a body of the source.
///
/// It ends cleanly only if the file, or the requested part of it, is whole; otherwise it ends with an error, which breaks
/// the connection. Frames are small, so that a client that has stopped reading holds little memory.
pub struct ResponseBody {
    frames: BoxStream<'static, Result<Bytes, BoxError>>,
    /// How many bytes are still to come, where that is known.
    remaining: Option<u64>,
}

impl ResponseBody {
    pub(super) fn whole(body: Full<Bytes>) -> Self {
        let len = body.size_hint().exact();
        Self::frames(body.into_data_stream().map_err(|never| match never {}), len)
    }

    /// Fails unless the frames have exactly `len` bytes, if that is known.
    pub(super) fn frames(
        frames: impl Stream<Item = Result<Bytes, BoxError>> + Send + 'static,
        len: Option<u64>,
    ) -> Self {
        Self {
            frames: frames.boxed(),
            remaining: len,
        }
    }
}

/// Empty, for layers outside that make responses of their own.
impl Default for ResponseBody {
    fn default() -> Self {
        Self::frames(stream::empty(), Some(0))
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.remaining == Some(0) {
            return Poll::Ready(None);
        }
        let next = ready!(self.frames.as_mut().poll_next(cx));
        let frame = match (next, self.remaining) {
            (Some(Ok(frame)), None) => Some(Ok(frame)),
            (Some(Ok(frame)), Some(left)) if frame.len() as u64 <= left => {
                self.remaining = Some(left - frame.len() as u64);
                Some(Ok(frame))
            }
            (Some(Ok(_)), _) => Some(Err("the file is longer than announced".into())),
            (None, Some(_)) => Some(Err("the file is shorter than announced".into())),
            (None, None) => None,
            (Some(Err(error)), _) => Some(Err(error)),
        };
        if !matches!(frame, Some(Ok(_))) {
            *self = Self::default();
        }
        Poll::Ready(frame.map(|frame| frame.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody")
            .field("size", &self.size_hint())
            .finish_non_exhaustive()
    }
}
