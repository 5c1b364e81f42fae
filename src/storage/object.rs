use std::io;
use std::ops::Range;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutPayload, Result,
};
use tower::BoxError;

use super::key::Key;

/// `Path::parse` keeps `~`, `!` and `+` as they are; `Path::from` would escape `~`.
pub(super) fn path(key: &Key) -> Result<Path> {
    Ok(Path::parse(key.as_str())?)
}

/// # Cancel safety
///
/// Reads only.
pub(super) async fn size(store: &dyn ObjectStore, key: &Key) -> Result<Option<u64>> {
    let head = found(store.head(&path(key)?).await)?;
    Ok(head.map(|meta| meta.size))
}

pub(super) struct Opened {
    pub(super) stream: BoxStream<'static, Result<Bytes>>,
    pub(super) size: u64,
    pub(super) range: Range<u64>,
}

/// # Cancel safety
///
/// Reads only.
pub(super) async fn read(
    store: &dyn ObjectStore,
    key: &Key,
    range: Option<Range<u64>>,
) -> Result<Option<Opened>> {
    let options = GetOptions::new().with_range(range.map(GetRange::Bounded));
    let got = found(store.get_opts(&path(key)?, options).await)?;
    Ok(got.map(|got| Opened {
        size: got.meta.size,
        range: got.range.clone(),
        stream: got.into_stream().boxed(),
    }))
}

/// The whole of a small object.
///
/// # Errors
///
/// The store's own, and one if the object is not as long as the store had said.
///
/// # Cancel safety
///
/// Reads only.
pub(super) async fn collect(
    mut stream: BoxStream<'static, Result<Bytes>>,
    size: u64,
) -> std::result::Result<Bytes, BoxError> {
    // A chunk may be part of a far larger buffer, and a small file may stay in memory for long. So it is copied.
    let mut content = Vec::with_capacity(usize::try_from(size)?);
    while let Some(chunk) = stream.try_next().await? {
        // A store whose file has shrunk may yield empty chunks for ever.
        if chunk.is_empty() {
            break;
        }
        content.extend_from_slice(&chunk);
        if content.len() as u64 > size {
            return Err("the object is longer than announced".into());
        }
    }
    if content.len() as u64 != size {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(content.into())
}

/// Stores a small file in one step. That it is there already is no error.
///
/// # Cancel safety
///
/// Dropped early, either the whole file is there or nothing of it.
pub(super) async fn put(store: &dyn ObjectStore, key: &Key, payload: PutPayload) -> Result<()> {
    let path = path(key)?;
    match store
        .put_opts(&path, payload.clone(), PutMode::Create.into())
        .await
    {
        Err(Error::AlreadyExists { .. }) => Ok(()),
        // A store without conditional puts: the last of two equal writers wins.
        Err(Error::NotImplemented { .. } | Error::NotSupported { .. }) => {
            store.put(&path, payload).await.map(drop)
        }
        put => put.map(drop),
    }
}

fn found<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::collect;
    use std::sync::Arc;

    use bytes::Bytes;
    use futures_util::{StreamExt as _, stream};

    #[tokio::test]
    async fn a_small_file_does_not_keep_the_large_buffer_that_it_came_in() {
        #[derive(Clone)]
        struct Buffer(Arc<Vec<u8>>);
        impl AsRef<[u8]> for Buffer {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }
        let owner = Buffer(Arc::new(vec![7; 1 << 20]));
        let buffer = Bytes::from_owner(owner.clone());
        let chunks = [Ok(buffer.slice(..100)), Ok(buffer.slice(100..300))];
        drop(buffer);
        let content = collect(stream::iter(chunks).boxed(), 300).await.unwrap();
        assert_eq!(content, vec![7; 300]);
        assert_eq!(Arc::strong_count(&owner.0), 1);
    }
}
