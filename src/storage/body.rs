use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::stream::BoxStream;
use http_body::{Body, Frame, SizeHint};

use super::chunk::{FRAME, FileReader};
use crate::observe;

/// The bytes of a stored file, or of a range of it, in small frames. Yields exactly as many as
/// were announced, or an error.
pub(crate) struct StoredBody {
    remaining: u64,
    from: From,
}

enum From {
    File {
        reader: FileReader,
        end: u64,
    },
    Stream {
        stream: BoxStream<'static, object_store::Result<Bytes>>,
        chunk: Bytes,
    },
    Memory(Bytes),
}

impl StoredBody {
    pub(crate) fn memory(bytes: Bytes) -> Self {
        Self {
            remaining: bytes.len() as u64,
            from: From::Memory(bytes),
        }
    }

    pub(super) fn file(reader: FileReader, end: u64) -> Self {
        Self {
            remaining: end.saturating_sub(reader.position()),
            from: From::File { reader, end },
        }
    }

    pub(super) fn stream(
        stream: BoxStream<'static, object_store::Result<Bytes>>,
        len: u64,
    ) -> Self {
        Self {
            remaining: len,
            from: From::Stream {
                stream,
                chunk: Bytes::new(),
            },
        }
    }
}

impl Default for StoredBody {
    fn default() -> Self {
        Self::memory(Bytes::new())
    }
}

impl Body for StoredBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        if this.remaining == 0 {
            return Poll::Ready(None);
        }
        let frame = match &mut this.from {
            From::File { reader, end } => ready!(reader.poll_frame(cx, *end)),
            From::Stream { stream, chunk } => ready!(poll_stream(stream, chunk, cx)),
            From::Memory(bytes) => Ok(bytes.split_off(0)),
        };
        let frame = frame.and_then(|frame| {
            this.remaining
                .checked_sub(frame.len() as u64)
                .map(|remaining| {
                    this.remaining = remaining;
                    Frame::data(frame)
                })
                .ok_or_else(|| io::Error::other("the stored file is longer than announced"))
        });
        if let Err(error) = &frame {
            observe::storage_failed(error);
            this.remaining = 0;
        }
        Poll::Ready(Some(frame))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

fn poll_stream(
    stream: &mut BoxStream<'static, object_store::Result<Bytes>>,
    chunk: &mut Bytes,
    cx: &mut Context<'_>,
) -> Poll<io::Result<Bytes>> {
    if chunk.is_empty() {
        // A store whose file has shrunk may yield empty chunks for ever, or end early.
        *chunk = match ready!(stream.as_mut().poll_next(cx)) {
            Some(Ok(chunk)) if !chunk.is_empty() => chunk,
            Some(Ok(_)) | None => return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into())),
            Some(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
        };
    }
    let len = chunk.len().min(FRAME);
    Poll::Ready(Ok(chunk.split_to(len)))
}

impl fmt::Debug for StoredBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredBody")
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}
