use std::io;
use std::sync::Arc;

use super::places::Places;
use super::spool::Content;
use crate::storage::SharedFile;
use crate::target::Target;
use crate::verify::{GoModuleFiles, ReadAt, Verified, Verify, WholeFile};

/// Whether a whole file is what was asked for. Runs where it may take long.
///
/// Bytes that could not be kept cannot be checked, and are not stored either.
///
/// # Cancel safety
///
/// Reads only.
pub(super) async fn check(
    target: &Target<'_>,
    content: Content,
    places: &Places,
) -> Result<(), String> {
    let verifying = GoModuleFiles::new().start(target);
    let verified = match content {
        Content::Lost => return Ok(()),
        Content::Memory(pieces) => verifying.finish(pieces.into_iter().collect()).await,
        Content::File(file) => {
            let _place = places.check().await;
            let len = file.len().map_err(|error| error.to_string())?;
            let whole = WholeFile::new(Arc::new(Staged { file, len }));
            verifying.finish(whole).await
        }
    };
    match verified {
        Verified::Passed => Ok(()),
        Verified::Rejected(reason) | Verified::Unknown(reason) => Err(reason),
    }
}

struct Staged {
    file: SharedFile,
    len: u64,
}

impl ReadAt for Staged {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn len(&self) -> u64 {
        self.len
    }
}
