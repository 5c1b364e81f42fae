use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use headers::ETag;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload,
};
use sha2::{Digest, Sha256};
use tower::BoxError;

use super::backend::{Answer, Backend, Content, Found, SMALL};
use super::body::of_chunks;
use super::disk::{hex, tag};
use super::sink::{Publish, Sink};
use super::upload::{PART, Upload};
use crate::files::Scratch;
use crate::files::SharedFile;

/// Any store of `object_store`.
#[derive(Clone, Debug)]
pub(super) struct Object {
    store: Arc<dyn ObjectStore>,
}

impl Object {
    pub(super) fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store }
    }

    async fn read(&self, at: &Path, range: Option<GetRange>) -> Result<Option<Found>, BoxError> {
        let is_range = range.is_some();
        let options = GetOptions::new().with_range(range);
        let Some(got) = found(self.store.get_opts(at, options).await)? else {
            return Ok(None);
        };
        let (size, tag) = (got.meta.size, version_tag(&got.meta));
        let content = match got.range.clone() {
            _ if size == 0 => return Ok(None),
            _ if size <= SMALL && !is_range => {
                Content::Whole(collect(got.into_stream(), size).await?)
            }
            range => Content::Part(range, of_chunks(got.into_stream())),
        };
        Ok(Some(Found {
            size,
            tag,
            private: false,
            version: [0; 3],
            content,
        }))
    }

    async fn head(&self, at: &Path) -> Result<Option<Found>, BoxError> {
        let meta = found(self.store.head(at).await)?.filter(|meta| meta.size > 0);
        Ok(meta.map(|meta| Found {
            size: meta.size,
            tag: version_tag(&meta),
            private: false,
            version: [0; 3],
            content: Content::Part(0..0, stream::empty().boxed()),
        }))
    }
}

impl Backend for Object {
    fn get(
        &self,
        path: Arc<str>,
        is_head: bool,
        range: Option<GetRange>,
    ) -> Answer<'_, Option<Found>> {
        Box::pin(async move {
            let at = parse(&path)?;
            if is_head {
                return self.head(&at).await;
            }
            let Some(range) = range else {
                return self.read(&at, None).await;
            };
            let error = match self.read(&at, Some(range.clone())).await {
                Err(error) => error,
                read => return read,
            };
            // Stores have no common error for a range that is not there, and one knows no suffixes.
            let Some(head) = self.head(&at).await? else {
                return Ok(None);
            };
            match range.as_range(head.size) {
                Err(_) => Ok(Some(head)),
                Ok(bytes) if matches!(range, GetRange::Suffix(_)) => {
                    self.read(&at, Some(GetRange::Bounded(bytes))).await
                }
                Ok(_) => Err(error),
            }
        })
    }

    fn is_current(&self, _: &str, _: [u64; 3]) -> Option<bool> {
        None
    }

    fn put(&self, path: Arc<str>, content: Vec<Bytes>, replaces: bool) -> Answer<'_, ()> {
        Box::pin(async move {
            let at = parse(&path)?;
            let payload: PutPayload = content.into_iter().collect();
            match replaces {
                true => self.store.put(&at, payload).await.map(drop)?,
                false => create(&*self.store, &at, payload).await?,
            }
            Ok(())
        })
    }

    fn sink(&self, path: Arc<str>, len: Option<u64>, scratch: &Scratch) -> Answer<'static, Sink> {
        let (store, scratch) = (Arc::clone(&self.store), scratch.clone());
        Box::pin(async move {
            let publish = Following {
                store,
                path: parse(&path)?,
                upload: None,
            };
            let file = scratch.file(len).await?;
            Ok(Sink::new(path, file, len, Some(Box::new(publish))).await?)
        })
    }

    fn delete(&self, path: Arc<str>) -> Answer<'_, ()> {
        Box::pin(async move {
            found(self.store.delete(&parse(&path)?).await)?;
            Ok(())
        })
    }

    fn list(&self, folder: Arc<str>) -> Answer<'_, Vec<String>> {
        Box::pin(async move {
            let files = self.store.list(Some(&parse(&folder)?));
            let names = files.map_ok(|meta| meta.location.to_string());
            Ok(names.try_collect().await?)
        })
    }
}

/// The file of a sink on its way into the store: an upload that follows it, or one put at the end if it is small.
struct Following {
    store: Arc<dyn ObjectStore>,
    path: Path,
    upload: Option<Upload>,
}

impl Publish for Following {
    fn advance(&mut self, file: &SharedFile, written: u64) {
        if self.upload.is_none() && written >= PART {
            let (store, path) = (Arc::clone(&self.store), self.path.clone());
            self.upload = Some(Upload::start(store, path, file.clone()));
        }
        if let Some(upload) = &self.upload {
            upload.advance(written);
        }
    }

    fn commit(
        self: Box<Self>,
        file: SharedFile,
        len: u64,
    ) -> BoxFuture<'static, Result<(), BoxError>> {
        Box::pin(async move {
            let Some(upload) = self.upload else {
                let content = file.read_range(0, len).await?;
                return Ok(create(&*self.store, &self.path, content.into()).await?);
            };
            match upload.finish(len).await {
                // The answer may have been lost on its way, or another writer was faster.
                Err(_) if is_stored(&*self.store, &self.path).await? => Ok(()),
                finished => Ok(finished?),
            }
        })
    }

    fn abort(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Some(upload) = self.upload {
                upload.abort().await;
            }
        })
    }
}

/// `Path::parse` keeps `~`, `!` and `+` as they are; `Path::from` would escape `~`.
fn parse(path: &str) -> object_store::Result<Path> {
    Ok(Path::parse(path)?)
}

/// Stores a file in one step. A file that is already there is not an error, unless it is empty.
async fn create(
    store: &dyn ObjectStore,
    path: &Path,
    payload: PutPayload,
) -> object_store::Result<()> {
    let mode = PutMode::Create.into();
    match store.put_opts(path, payload.clone(), mode).await {
        Ok(_) => Ok(()),
        Err(error @ (Error::PermissionDenied { .. } | Error::Unauthenticated { .. })) => Err(error),
        Err(_) if is_stored(store, path).await? => Ok(()),
        // A store without conditional puts, which says so in its own way: the last of two equal writers wins.
        Err(_) => match store.put(path, payload).await {
            Err(error) if !is_stored(store, path).await? => Err(error),
            _ => Ok(()),
        },
    }
}

pub(super) async fn is_stored(store: &dyn ObjectStore, path: &Path) -> object_store::Result<bool> {
    let meta = found(store.head(path).await)?;
    Ok(meta.is_some_and(|meta| meta.size > 0))
}

/// The whole of a small object. A chunk may be part of a far larger buffer, and a small file may stay in memory for long, so
/// it is copied.
async fn collect(
    mut stream: BoxStream<'static, object_store::Result<Bytes>>,
    size: u64,
) -> Result<Bytes, BoxError> {
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
    match content.len() as u64 == size {
        true => Ok(content.into()),
        false => Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
    }
}

/// What the store says of the object's version. A weak tag, or none, is made a strong one with the time of the object.
fn version_tag(meta: &ObjectMeta) -> ETag {
    let said = meta.e_tag.as_deref().unwrap_or_default();
    if let Ok(strong) = said.parse::<ETag>()
        && !said.starts_with("W/")
    {
        return strong;
    }
    let text = format!("{said}\n{}\n{}", meta.last_modified, meta.size);
    tag(&hex(&Sha256::digest(text)))
}

fn found<T>(result: object_store::Result<T>) -> object_store::Result<Option<T>> {
    match result {
        Err(Error::NotFound { .. }) => Ok(None),
        result => result.map(Some),
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
