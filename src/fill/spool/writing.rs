//! A write to the staged file that is under way while its source goes on.

use std::fs::File;
use std::future::Future;
use std::io;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::FutureExt;

use crate::storage::SharedFile;

/// Dropped, it goes on to its end all the same.
pub(super) struct Writing {
    file: SharedFile,
    write: Pin<Box<dyn Future<Output = io::Result<u64>> + Send + Sync>>,
}

impl Writing {
    /// Begins at once.
    pub(super) fn new(file: SharedFile, offset: u64, pieces: Vec<Bytes>) -> Self {
        let shared = file.clone();
        let write = async move {
            let write = shared.blocking(move |file| {
                let mut end = offset;
                for piece in &pieces {
                    write_all_at(file, piece, end)?;
                    end += piece.len() as u64;
                }
                Ok(end)
            });
            write.await
        };
        let write = Box::pin(write);
        Self { file, write }
    }

    pub(super) fn file(&self) -> &SharedFile {
        &self.file
    }

    /// Where the bytes end in the file, if they are all there by now. Nobody is woken once they are: that
    /// would cost as much as the write.
    pub(super) fn now_or_never(&mut self) -> Option<io::Result<u64>> {
        self.write.as_mut().now_or_never()
    }

    /// Where the bytes end in the file, once they are all there.
    ///
    /// # Cancel safety
    ///
    /// Can be awaited again, unless it has returned.
    pub(super) async fn end(&mut self) -> io::Result<u64> {
        self.write.as_mut().await
    }
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
