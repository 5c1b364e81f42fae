use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::stream::BoxStream;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::chunk::{FRAME, FileReader};
use crate::observe;

/// The bytes of a stored file, or of a range of it, in small frames. Yields exactly as many as
/// were announced, or an error.
pub(crate) struct StoredBody {
    remaining: u64,
    from: From,
    /// How long the storage may take for the next bytes. No limit until it is set.
    patience: Option<Duration>,
    waiting: Option<Pin<Box<Sleep>>>,
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

impl From {
    /// Whether the storage is what it waits for, and not that others have their turn.
    fn is_waiting(&self) -> bool {
        match self {
            Self::File { reader, .. } => reader.is_reading(),
            Self::Stream { .. } => true,
            Self::Memory(_) => false,
        }
    }
}

impl StoredBody {
    pub(crate) fn memory(bytes: Bytes) -> Self {
        Self::new(bytes.len() as u64, From::Memory(bytes))
    }

    pub(super) fn file(reader: FileReader, end: u64) -> Self {
        let remaining = end.saturating_sub(reader.position());
        Self::new(remaining, From::File { reader, end })
    }

    pub(super) fn stream(
        stream: BoxStream<'static, object_store::Result<Bytes>>,
        len: u64,
    ) -> Self {
        let chunk = Bytes::new();
        Self::new(len, From::Stream { stream, chunk })
    }

    fn new(remaining: u64, from: From) -> Self {
        Self {
            remaining,
            from,
            patience: None,
            waiting: None,
        }
    }

    /// Fails the body if the storage takes longer than this for the next bytes.
    pub(crate) fn within(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Ready once the storage has taken too long.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let Some(patience) = self.patience else {
            return Poll::Pending;
        };
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(waiting.as_mut().poll(cx));
        Poll::Ready(io::ErrorKind::TimedOut.into())
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
            From::File { reader, end } => reader.poll_frame(cx, *end),
            From::Stream { stream, chunk } => poll_stream(stream, chunk, cx),
            From::Memory(bytes) => Poll::Ready(Ok(bytes.split_off(0))),
        };
        let frame = match frame {
            Poll::Ready(frame) => {
                this.waiting = None;
                frame
            }
            Poll::Pending if this.from.is_waiting() => Err(ready!(this.poll_patience(cx))),
            Poll::Pending => return Poll::Pending,
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
