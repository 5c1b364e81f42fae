use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tower::BoxError;

use super::reader::Reader;
use super::state::Phase;
use crate::storage::{FRAME, FileReader};

/// What one client reads of a fill. Ends with `None` only if the file, or the asked part of it,
/// is whole; whatever else happens to the fill is an error.
#[derive(Debug)]
pub(in crate::fill) struct SpoolBody {
    /// Gone once there is nothing more to read.
    reader: Option<Reader>,
    position: u64,
    end: Option<u64>,
    /// What has been taken out of the buffer, and not yet handed on.
    piece: Bytes,
    file: Option<FileReader>,
}

/// Where the next frame comes from.
enum Next {
    Memory(Bytes),
    /// The file, which has the bytes before this.
    File(u64),
    End,
}

impl SpoolBody {
    pub(super) fn new(reader: Reader, start: u64, end: Option<u64>) -> Self {
        let mut body = Self {
            reader: Some(reader),
            position: start,
            end,
            piece: Bytes::new(),
            file: None,
        };
        if end.is_some_and(|end| end <= start) {
            body.reader = None;
        }
        body
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>, BoxError>> {
        // What has been taken is good whatever happened meanwhile: bytes only become visible once,
        // and never change.
        if !self.piece.is_empty() {
            return Poll::Ready(Ok(Some(self.frame_of_piece())));
        }
        let available = match &self.file {
            Some(file) if file.is_busy() => u64::MAX,
            _ => match ready!(self.poll_state(cx))? {
                Next::Memory(bytes) => {
                    self.piece = bytes;
                    return Poll::Ready(Ok(Some(self.frame_of_piece())));
                }
                Next::End => return Poll::Ready(Ok(None)),
                Next::File(available) => available,
            },
        };
        let Some(file) = &mut self.file else {
            return Poll::Ready(Err(Lost.into()));
        };
        let frame = ready!(file.poll_frame(cx, available))?;
        Poll::Ready(Ok(Some(frame)))
    }

    fn frame_of_piece(&mut self) -> Bytes {
        let len = self.piece.len().min(FRAME);
        self.piece.split_to(len)
    }

    fn poll_state(&mut self, cx: &Context<'_>) -> Poll<Result<Next, BoxError>> {
        let Self {
            reader: Some(reader),
            position,
            end,
            file,
            ..
        } = self
        else {
            return Poll::Ready(Ok(Next::End));
        };
        reader.spool.with(|state| {
            state.readers[reader.slot].position = *position;
            if state.lossy {
                state.wake_writer();
            }
            let visible = end.map_or(state.visible, |end| end.min(state.visible));
            if *position < visible {
                if let Some(bytes) = state.buffered(*position, visible - *position) {
                    state.readers[reader.slot].position += bytes.len() as u64;
                    return Poll::Ready(Ok(Next::Memory(bytes)));
                }
                let Some(spooled) = state.file.as_ref().filter(|_| *position < state.in_file)
                else {
                    return Poll::Ready(Err(Lost.into()));
                };
                if file
                    .as_ref()
                    .is_none_or(|file| file.position() != *position)
                {
                    *file = Some(FileReader::new(spooled.clone(), *position));
                }
                return Poll::Ready(Ok(Next::File(visible.min(state.in_file))));
            }
            match &state.phase {
                Phase::Failed(failure) => Poll::Ready(Err(failure.clone().into())),
                Phase::Checked | Phase::Settled => Poll::Ready(Ok(Next::End)),
                Phase::Asking | Phase::Filling | Phase::Alone => {
                    state.wait_as_reader(reader.slot, cx);
                    Poll::Pending
                }
            }
        })
    }
}

/// Bytes are dropped only once all readers have them, so no reader ever meets this.
#[derive(Debug)]
struct Lost;

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the spool has lost bytes that were still to be read")
    }
}

impl Error for Lost {}

impl Body for SpoolBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.reader.is_none() {
            return Poll::Ready(None);
        }
        let next = ready!(self.poll_next(cx));
        let frame = match next {
            Ok(Some(bytes)) => {
                self.position += bytes.len() as u64;
                Some(Ok(Frame::data(bytes)))
            }
            Ok(None) => None,
            Err(error) => Some(Err(error)),
        };
        let ended = !matches!(frame, Some(Ok(_)));
        if ended || self.end.is_some_and(|end| self.position >= end) {
            self.reader = None;
            self.piece = Bytes::new();
            self.file = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.reader.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match self.end {
            Some(end) => SizeHint::with_exact(end.saturating_sub(self.position)),
            None => SizeHint::default(),
        }
    }
}
