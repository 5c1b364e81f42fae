use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;

use super::dirhash::Dirhash;

/// A complete file that can be read from any position, any number of times.
///
/// Reads and the drop of the last clone may block: use it on a blocking thread. Each clone has a
/// position of its own.
///
/// A test of a [`Verify`](super::Verify) makes one of [`Bytes`]:
///
/// ```
/// use std::io::Read;
///
/// use bytes::Bytes;
/// use tower_goproxy::verify::WholeFile;
///
/// let mut file = WholeFile::from(Bytes::from_static(b"module example.com/m\n"));
/// let mut text = String::new();
/// file.read_to_string(&mut text)?;
/// assert_eq!(text, "module example.com/m\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct WholeFile {
    source: Arc<dyn ReadAt>,
    position: u64,
    dirhash: Dirhash,
}

/// Where the bytes of a [`WholeFile`] are.
pub(crate) trait ReadAt: Send + Sync {
    /// Reads up to `buffer.len()` bytes. Zero means that the file has no byte at `offset`.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    fn len(&self) -> u64;
}

impl WholeFile {
    pub(crate) fn new(source: Arc<dyn ReadAt>) -> Self {
        Self {
            source,
            position: 0,
            dirhash: Dirhash::default(),
        }
    }

    /// Its hash, which a check before may have computed.
    #[must_use]
    pub fn dirhash(&self) -> &Dirhash {
        &self.dirhash
    }

    /// The number of bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.source.len()
    }

    /// Whether the file has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Like [`Read::read`], from `offset` on.
    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match buffer.len() {
            0 => Ok(0),
            _ => self.source.read_at(buffer, offset),
        }
    }

    /// `len` bytes from `offset` on.
    pub(super) fn bytes_at(&self, offset: u64, len: u64) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        let mut file = self.clone();
        file.position = offset;
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

impl From<Bytes> for WholeFile {
    fn from(bytes: Bytes) -> Self {
        Self::from_iter([bytes])
    }
}

/// The pieces of a file in memory, in order.
impl FromIterator<Bytes> for WholeFile {
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        let mut len = 0;
        let with_end = pieces.into_iter().map(|piece| {
            len += piece.len() as u64;
            (len, piece)
        });
        Self::new(Arc::new(Pieces(with_end.collect())))
    }
}

impl fmt::Debug for WholeFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WholeFile({} bytes)", self.len())
    }
}

impl Read for WholeFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read_at(buffer, self.position)?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for WholeFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.len().checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// Each piece with the offset of its end.
struct Pieces(Vec<(u64, Bytes)>);

impl ReadAt for Pieces {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let index = self.0.partition_point(|(end, _)| *end <= offset);
        let Some((end, piece)) = self.0.get(index) else {
            return Ok(0);
        };
        // At most the length of the piece: the one before ends at `offset` or earlier.
        let left = usize::try_from(end - offset).map_err(io::Error::other)?;
        (&piece[piece.len() - left..]).read(buffer)
    }

    fn len(&self) -> u64 {
        self.0.last().map_or(0, |(end, _)| *end)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek, SeekFrom};

    use bytes::Bytes;

    use super::WholeFile;

    fn file() -> WholeFile {
        ["ab", "", "cde", "", "f"]
            .map(Bytes::from)
            .into_iter()
            .collect()
    }

    #[test]
    fn pieces_read_as_one_file() {
        let mut content = String::new();
        file().read_to_string(&mut content).unwrap();
        assert_eq!(content, "abcdef");
        assert_eq!(file().len(), 6);
        for at in 0..6 {
            assert_eq!(
                file().bytes_at(at, 1).unwrap(),
                b"abcdef"[at as usize..][..1]
            );
        }
        assert!(file().bytes_at(6, 1).is_err());
        assert!(WholeFile::from(Bytes::new()).is_empty());
    }

    #[test]
    fn clones_have_their_own_positions() {
        let mut first = file();
        first.seek(SeekFrom::End(-2)).unwrap();
        let mut second = first.clone();
        second.seek(SeekFrom::Current(-3)).unwrap();
        let (mut end, mut more) = (String::new(), String::new());
        first.read_to_string(&mut end).unwrap();
        second.read_to_string(&mut more).unwrap();
        assert_eq!((&*end, &*more), ("ef", "bcdef"));
        assert!(first.seek(SeekFrom::Current(-7)).is_err());
        assert_eq!(first.seek(SeekFrom::Start(9)).unwrap(), 9);
        assert_eq!(first.read(&mut [0]).unwrap(), 0);
    }
}
