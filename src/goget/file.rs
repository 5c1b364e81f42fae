//! The bytes of a file of the module cache.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use bytes::{Bytes, BytesMut};
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

const PART: usize = 64 * 1024;

/// A file, read on blocking threads. Once it is open, it may be deleted.
#[derive(Debug)]
pub(super) struct FileParts {
    file: File,
    left: u64,
    part: BytesMut,
}

impl FileParts {
    /// `None` if there is no such file. Blocks the thread.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let opened = std::fs::File::open(path).and_then(|file| {
            // So that it is not cleaned away as unused. One that belongs to somebody else cannot be marked.
            let _ = file.set_modified(SystemTime::now());
            let left = file.metadata()?.len();
            Ok((File::from_std(file), left))
        });
        let (file, left) = match opened {
            Ok(opened) => opened,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound
                        | io::ErrorKind::NotADirectory
                        | io::ErrorKind::InvalidFilename
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        Ok(Some(Self {
            file,
            left,
            part: BytesMut::new(),
        }))
    }

    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let want = usize::try_from(self.left).map_or(PART, |left| left.min(PART));
        self.part.resize(want, 0);
        let mut buf = ReadBuf::new(&mut self.part);
        let read = ready!(Pin::new(&mut self.file).poll_read(cx, &mut buf));
        let got = buf.filled().len();
        let error = match read {
            Ok(()) if got > 0 => {
                self.left -= got as u64;
                return Poll::Ready(Some(Ok(self.part.split_to(got).freeze())));
            }
            Ok(()) => io::ErrorKind::UnexpectedEof.into(),
            Err(error) => error,
        };
        self.left = 0;
        Poll::Ready(Some(Err(error)))
    }
}
