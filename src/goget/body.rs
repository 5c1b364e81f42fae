//! The body of a response.

use std::fmt;
use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use super::job::Zip;
use super::observe;

/// The most bytes of one part.
const PART: u64 = 64 * 1024;

/// The body of a response of [`GoGet`](super::GoGet).
///
/// Its size hint is exact, and it ends cleanly only after that many bytes. The default is an empty body.
///
/// ```
/// use http_body::Body;
/// use tower_goproxy::goget::GoGetBody;
///
/// assert_eq!(GoGetBody::default().size_hint().exact(), Some(0));
/// ```
///
/// # Cancel safety
///
/// No part is lost between polls.
#[derive(Default)]
pub struct GoGetBody(Inner);

#[derive(Default)]
enum Inner {
    #[default]
    Empty,
    Text(Bytes),
    Zip(ZipParts),
}

/// A zip, read on blocking threads at a position of its own: others read the same file.
struct ZipParts {
    file: Arc<File>,
    at: u64,
    left: u64,
    read: Option<JoinHandle<io::Result<Bytes>>>,
}

impl GoGetBody {
    pub(super) fn text(text: Bytes) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        Self(Inner::Text(text))
    }

    pub(super) fn zip(zip: &Zip) -> Self {
        Self(Inner::Zip(ZipParts {
            file: Arc::clone(&zip.file),
            at: 0,
            left: zip.len,
            read: None,
        }))
    }
}

impl ZipParts {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let reading = self.read.get_or_insert_with(|| {
            let (file, at, want) = (Arc::clone(&self.file), self.at, self.left.min(PART));
            spawn_blocking(move || read_at(&file, at, want))
        });
        let read = ready!(Pin::new(reading).poll(cx));
        self.read = None;
        let read = read.map_err(io::Error::other).and_then(|read| read);
        match &read {
            Ok(part) => {
                self.at += part.len() as u64;
                self.left -= part.len() as u64;
            }
            Err(_) => self.left = 0,
        }
        Poll::Ready(Some(read))
    }
}

/// At least a byte, and at most so many.
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

impl Body for GoGetBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let part = match &mut self.0 {
            Inner::Empty => return Poll::Ready(None),
            Inner::Text(text) => {
                let text = std::mem::take(text);
                self.0 = Inner::Empty;
                Poll::Ready(Some(Ok(text)))
            }
            Inner::Zip(parts) => parts.poll_next(cx),
        };
        if let Poll::Ready(Some(Err(error))) = &part {
            observe::broken(error);
        }
        part.map(|part| part.map(|part| part.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}

impl GoGetBody {
    fn left(&self) -> u64 {
        match &self.0 {
            Inner::Empty => 0,
            Inner::Text(text) => text.len() as u64,
            Inner::Zip(parts) => parts.left,
        }
    }
}

impl fmt::Debug for GoGetBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoGetBody")
            .field("left", &self.left())
            .finish_non_exhaustive()
    }
}
