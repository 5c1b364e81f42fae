//! The bytes of a file, as the body of a response.

use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

/// The most bytes of one part.
const PART: u64 = 64 * 1024;

/// The first bytes of a file, read on blocking threads at an offset of its own: others may read the same file. One that
/// has become shorter is an error.
#[derive(Debug)]
pub(crate) struct FileBody {
    file: Arc<File>,
    at: u64,
    end: u64,
    read: Option<JoinHandle<io::Result<Bytes>>>,
}

impl FileBody {
    pub(crate) fn new(file: Arc<File>, length: u64) -> Self {
        let (at, end, read) = (0, length, None);
        Self {
            file,
            at,
            end,
            read,
        }
    }
}

/// At least a byte, and at most `want`.
fn read_at(file: &File, at: u64, want: u64) -> io::Result<Bytes> {
    // At most the size of a part.
    let mut part = vec![0; usize::try_from(want).map_err(io::Error::other)?];
    #[cfg(unix)]
    let read = std::os::unix::fs::FileExt::read_at(file, &mut part, at)?;
    #[cfg(windows)]
    let read = std::os::windows::fs::FileExt::seek_read(file, &mut part, at)?;
    #[cfg(not(any(unix, windows)))]
    let read = 0;
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    part.truncate(read);
    Ok(part.into())
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let (at, left) = (self.at, self.end - self.at);
        if left == 0 {
            return Poll::Ready(None);
        }
        let file = Arc::clone(&self.file);
        let reading = self
            .read
            .get_or_insert_with(|| spawn_blocking(move || read_at(&file, at, left.min(PART))));
        let read = ready!(Pin::new(reading).poll(cx));
        self.read = None;
        let read = read.map_err(io::Error::other).and_then(|read| read);
        match &read {
            Ok(part) => self.at += part.len() as u64,
            // Behind an error there is nothing.
            Err(_) => self.at = self.end,
        }
        Poll::Ready(Some(read.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.at == self.end
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.end - self.at)
    }
}
