//! The bytes of stored files, in frames that are small, so that a client that has stopped reading keeps little memory.

use std::io;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt as _};
use tower::BoxError;

use crate::files::{FRAME, FileReader};

/// Frames of at most [`FRAME`] bytes. Ends early, or with an error, where the file is shorter than it was.
pub(crate) type Frames = BoxStream<'static, Result<Bytes, BoxError>>;

/// From where the reader is up to `end`.
pub(super) fn of_file(reader: FileReader, end: u64) -> Frames {
    stream::unfold(reader, move |mut reader| async move {
        if reader.position() >= end {
            return None;
        }
        let frame = reader.next(end).await;
        Some((frame.map_err(Into::into), reader))
    })
    .boxed()
}

pub(super) fn of_chunks(
    chunks: impl Stream<Item = object_store::Result<Bytes>> + Send + 'static,
) -> Frames {
    let frames = |chunk: object_store::Result<Bytes>| match chunk {
        // A store whose file has shrunk may yield empty chunks for ever.
        Ok(chunk) if chunk.is_empty() => {
            let end = Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            stream::iter(vec![end])
        }
        Ok(chunk) => {
            let starts = (0..chunk.len()).step_by(FRAME);
            let frame = |start| Ok(chunk.slice(start..chunk.len().min(start + FRAME)));
            stream::iter(starts.map(frame).collect::<Vec<Result<_, BoxError>>>())
        }
        Err(error) => stream::iter(vec![Err(error.into())]),
    };
    chunks.map(frames).flatten().boxed()
}
