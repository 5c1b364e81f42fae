//! The bytes of a file, as the body of a response.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

const PART: usize = 64 * 1024;

/// The first bytes of a file, read on blocking threads. A file that has become shorter is an error.
#[derive(Debug)]
pub(crate) struct FileBody {
    file: File,
    left: u64,
    part: BytesMut,
}

impl FileBody {
    pub(crate) fn new(file: File, length: u64) -> Self {
        Self {
            file,
            left: length,
            part: BytesMut::new(),
        }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        if this.left == 0 {
            return Poll::Ready(None);
        }
        let want = usize::try_from(this.left).map_or(PART, |left| left.min(PART));
        this.part.resize(want, 0);
        let mut buf = ReadBuf::new(&mut this.part);
        let read = ready!(Pin::new(&mut this.file).poll_read(cx, &mut buf));
        let got = buf.filled().len();
        let error = match read {
            Ok(()) if got > 0 => {
                this.left -= got as u64;
                let part = this.part.split_to(got).freeze();
                return Poll::Ready(Some(Ok(Frame::data(part))));
            }
            Ok(()) => io::ErrorKind::UnexpectedEof.into(),
            Err(error) => error,
        };
        // Behind an error there is nothing.
        this.left = 0;
        Poll::Ready(Some(Err(error)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
