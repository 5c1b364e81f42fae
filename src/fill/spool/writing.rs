//! A write to the staged file that is under way while its source goes on.

use std::fs::File;
use std::io;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::task::{JoinError, JoinHandle};

use crate::storage::SharedFile;

/// Dropped, it goes on to its end all the same.
pub(super) struct Writing {
    file: SharedFile,
    write: JoinHandle<io::Result<u64>>,
}

impl Writing {
    /// Returns once a thread has begun with it: a write that waits for one without being polled would keep the thread
    /// from others.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, nothing is written.
    pub(super) async fn begin(
        file: SharedFile,
        offset: u64,
        pieces: Vec<Bytes>,
    ) -> io::Result<Self> {
        let write = file.start(move |file| {
            let mut end = offset;
            for piece in &pieces {
                write_all_at(file, piece, end)?;
                end += piece.len() as u64;
            }
            Ok(end)
        });
        let write = write.await?;
        Ok(Self { file, write })
    }

    pub(super) fn file(&self) -> &SharedFile {
        &self.file
    }

    /// Where the bytes end in the file, if they are all there by now. Nobody is woken once they are: that
    /// would cost as much as the write.
    pub(super) fn now_or_never(&mut self) -> Option<io::Result<u64>> {
        (&mut self.write).now_or_never().map(joined)
    }

    /// Where the bytes end in the file, once they are all there.
    ///
    /// # Cancel safety
    ///
    /// Can be awaited again, unless it has returned.
    pub(super) async fn end(&mut self) -> io::Result<u64> {
        joined((&mut self.write).await)
    }
}

/// A write that panics has failed.
fn joined(write: Result<io::Result<u64>, JoinError>) -> io::Result<u64> {
    write.map_err(io::Error::other)?
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_write(file, bytes, offset)? {
            0 => return Err(io::ErrorKind::WriteZero.into()),
            n => {
                bytes = &bytes[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}
