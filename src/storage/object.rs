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
    let mut content = Bytes::new();
    while let Some(chunk) = stream.try_next().await? {
        // Nearly always there is one chunk alone.
        content = match content.is_empty() {
            true => chunk,
            false => [content, chunk].concat().into(),
        };
        if content.len() as u64 > size {
            return Err("the object is longer than announced".into());
        }
    }
    if content.len() as u64 != size {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(content)
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
