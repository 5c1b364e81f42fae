use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use super::places::Places;
use super::spool::Content;
use crate::storage::SharedFile;
use crate::target::{Resource, Target};
use crate::verify::{Rejected, check_info, check_module_file, check_zip};

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
) -> Result<(), Rejected> {
    let resource = target.resource();
    let Some(version) = target.version() else {
        return Ok(());
    };
    let version = version.unescaped().into_owned();
    let prefix = format!("{}@{version}/", target.module());
    match content {
        Content::Lost => Ok(()),
        Content::Memory(pieces) => {
            let content = pieces.concat();
            check_reader(resource, &version, &prefix, Cursor::new(content))
        }
        Content::File(file) => {
            let _place = places.check().await;
            let whole = file.clone();
            let check = whole.blocking(move |_| {
                let reader = BufReader::new(ReadAt { file, position: 0 });
                Ok(check_reader(resource, &version, &prefix, reader))
            });
            // A parser that panics on a file has not passed it.
            check.await.map_err(Rejected::Unreadable)?
        }
    }
}

fn check_reader(
    resource: Resource,
    version: &str,
    prefix: &str,
    mut reader: impl Read + Seek,
) -> Result<(), Rejected> {
    if resource == Resource::Zip {
        return check_zip(reader, prefix);
    }
    let mut content = Vec::new();
    reader
        .read_to_end(&mut content)
        .map_err(Rejected::Unreadable)?;
    match resource {
        Resource::Info => check_info(&content, version),
        _ => check_module_file(&content),
    }
}

/// A position of its own in a file that others read at the same time.
struct ReadAt {
    file: SharedFile,
    position: u64,
}

impl Read for ReadAt {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for ReadAt {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.file.len()?.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
