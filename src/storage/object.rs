use std::future::ready;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use headers::ETag;
use object_store::path::Path;
use object_store::{
    Error, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload,
};
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::BoxError;

use super::backend::{Backend, Content, Found, Frames, Paths, SMALL};
use super::sink::Publish;
use super::upload::Upload;
use crate::etag;
use crate::files::{FRAME, Scratch, SharedFile};

/// Any store of `object_store`.
pub(super) struct Object {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) scratch: Scratch,
}

impl Object {
    async fn read(&self, at: &Path, options: GetOptions) -> Result<Option<Found>, BoxError> {
        let (is_head, is_range) = (options.head, options.range.is_some());
        let Some(got) = found(self.store.get_opts(at, options).await)? else {
            return Ok(None);
        };
        let (size, tag, range) = (got.meta.size, version_tag(&got.meta), got.range.clone());
        let frames = || frames(got.into_stream());
        let content = match size {
            0 => return Ok(None),
            _ if is_head => Content::Part(0..0, stream::empty().boxed()),
            ..=SMALL if !is_range => Content::Whole(collect(frames(), size).await?),
            _ => Content::Part(range, frames()),
        };
        let is_zip = at.as_ref().ends_with(".zip");
        let tag = match &content {
            // Other proxies may store the same file at another time.
            Content::Whole(content) if !is_zip => etag::of_content([content]),
            _ => tag,
        };
        Ok(Some(Found {
            size,
            tag,
            version: [0; 3],
            content,
        }))
    }
}

#[async_trait]
impl Backend for Object {
    async fn get(&self, path: &str, options: GetOptions) -> Result<Option<Found>, BoxError> {
        let at = parse(path)?;
        let range = options.range.clone();
        let (error, range) = match (self.read(&at, options).await, range) {
            (Err(error), Some(range)) => (error, range),
            (read, _) => return read,
        };
        // Stores have no common error for a range that is not there, and one knows no suffixes.
        let head = GetOptions::new().with_head(true);
        let Some(head) = self.read(&at, head).await? else {
            return Ok(None);
        };
        match range.as_range(head.size) {
            Ok(bytes) if !bytes.is_empty() => match range {
                GetRange::Suffix(_) => {
                    let part = GetOptions::new().with_range(Some(bytes));
                    self.read(&at, part).await
                }
                _ => Err(error),
            },
            _ => Ok(Some(head)),
        }
    }

    async fn put(&self, path: &str, content: Vec<Bytes>, replaces: bool) -> Result<bool, BoxError> {
        let at = parse(path)?;
        let payload: PutPayload = content.into_iter().collect();
        Ok(match replaces {
            true => self.store.put(&at, payload).await.map(|_| true)?,
            false => create(&*self.store, &at, payload).await?,
        })
    }

    async fn stage(
        &self,
        path: &str,
        stores: Option<Arc<TaskTrackerToken>>,
    ) -> Result<(SharedFile, Option<Box<dyn Publish>>), BoxError> {
        let (path, file) = (parse(path)?, self.scratch.file().await?);
        let upload = |counted| {
            let upload = Upload::start(Arc::clone(&self.store), path, file.clone(), counted);
            Box::new(upload) as Box<dyn Publish>
        };
        let publish = stores.map(upload);
        Ok((file, publish))
    }

    fn with_scratch(self: Arc<Self>, scratch: Scratch) -> Arc<dyn Backend> {
        let store = Arc::clone(&self.store);
        Arc::new(Self { store, scratch })
    }

    async fn delete(&self, path: &str) -> Result<(), BoxError> {
        found(self.store.delete(&parse(path)?).await)?;
        Ok(())
    }

    fn walk(&self, folder: &str, after: &str) -> Paths {
        let listed = parse(folder).and_then(|folder| {
            Ok(match after {
                "" => self.store.list(Some(&folder)),
                _ => self.store.list_with_offset(Some(&folder), &parse(after)?),
            })
        });
        let objects = stream::once(ready(listed)).try_flatten();
        let paths = objects.map_ok(|object| object.location.to_string());
        paths.map_err(BoxError::from).boxed()
    }
}

/// `Path::parse` keeps `~`, `!` and `+` as they are; `Path::from` would escape `~`.
fn parse(path: &str) -> object_store::Result<Path> {
    Ok(Path::parse(path)?)
}

/// Stores a file in one step. A file that is already there is not an error, unless it is empty. Returns whether this one is
/// stored.
pub(super) async fn create(
    store: &dyn ObjectStore,
    path: &Path,
    payload: PutPayload,
) -> object_store::Result<bool> {
    let mode = PutMode::Create.into();
    match store.put_opts(path, payload.clone(), mode).await {
        Ok(_) => Ok(true),
        Err(error @ (Error::PermissionDenied { .. } | Error::Unauthenticated { .. })) => Err(error),
        Err(_) if is_stored(store, path).await? => Ok(false),
        // A store without conditional puts, which says so in its own way: the last of two equal writers wins.
        Err(_) => match store.put(path, payload).await {
            Err(error) if !is_stored(store, path).await? => Err(error),
            put => Ok(put.is_ok()),
        },
    }
}

pub(super) async fn is_stored(store: &dyn ObjectStore, path: &Path) -> object_store::Result<bool> {
    let meta = found(store.head(path).await)?;
    Ok(meta.is_some_and(|meta| meta.size > 0))
}

fn frames(chunks: BoxStream<'static, object_store::Result<Bytes>>) -> Frames {
    let frames = |chunk: Bytes| {
        // A store whose file has shrunk may yield empty chunks for ever.
        let shorter = || Err("the object has become shorter".into());
        let end = chunk.is_empty().then(shorter);
        let starts = (0..chunk.len()).step_by(FRAME);
        let frame = move |start| Ok(chunk.slice(start..chunk.len().min(start + FRAME)));
        stream::iter(starts.map(frame).chain(end))
    };
    chunks
        .map_ok(frames)
        .map_err(BoxError::from)
        .try_flatten()
        .boxed()
}

/// The whole of a small object. A chunk may be part of a far larger buffer, and a small file may stay in memory for long, so
/// it is copied.
async fn collect(mut frames: Frames, size: u64) -> Result<Bytes, BoxError> {
    let mut content = Vec::with_capacity(usize::try_from(size)?);
    while (content.len() as u64) < size
        && let Some(frame) = frames.try_next().await?
    {
        content.extend_from_slice(&frame);
    }
    match content.len() as u64 == size {
        true => Ok(content.into()),
        false => Err("the object has another length than announced".into()),
    }
}

/// What the store says of the object's version. A weak tag, or none, is made a strong one with the time of the object.
fn version_tag(meta: &ObjectMeta) -> ETag {
    let said = meta.e_tag.as_deref().unwrap_or_default();
    // At anything else the parser of `headers` panics in a debug build.
    let is_plain = said.bytes().all(|byte| byte.is_ascii_graphic());
    if is_plain
        && !said.starts_with("W/")
        && let Ok(strong) = said.parse()
    {
        return strong;
    }
    let text = format!("{said}\n{}\n{}", meta.last_modified, meta.size);
    etag::of_content([text])
}

fn found<T>(result: object_store::Result<T>) -> object_store::Result<Option<T>> {
    match result {
        Err(Error::NotFound { .. }) => Ok(None),
        result => result.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::{collect, version_tag};
    use std::sync::Arc;

    use bytes::Bytes;
    use futures_util::{StreamExt as _, stream};
    use object_store::ObjectMeta;

    #[test]
    fn a_tag_that_a_store_says_oddly_is_made_a_plain_one() {
        let tag = |said: &str| {
            let tag = version_tag(&ObjectMeta {
                location: "m".into(),
                last_modified: Default::default(),
                size: 1,
                e_tag: Some(said.to_owned()),
                version: None,
            });
            format!("{tag:?}")
        };
        assert!(tag("\"1-2\"").contains("1-2"));
        for said in ["\"1 2\"", "\"1\t2\"", "W/\"1-2\"", "1-2", ""] {
            let made = tag(said);
            assert!(
                !made.contains('1') || !made.contains("W/"),
                "{said}: {made}"
            );
            assert_eq!(made, tag(said));
        }
        assert_ne!(tag("\"1 2\""), tag("\"1 3\""));
    }

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
