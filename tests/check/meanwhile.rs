//! A store in which something happens while it is read.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};

/// A store in memory. Clones are the same store.
#[derive(Clone, Debug, Default)]
pub struct Meanwhile(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    store: InMemory,
    reads: AtomicUsize,
    /// What takes the place of a file after it was read so often.
    after_reads: Mutex<Vec<(usize, Bytes)>>,
    /// What takes the place of a file that was deleted, the last one first.
    after_deletes: Mutex<Vec<Bytes>>,
    changes_always: AtomicBool,
    is_unordered: AtomicBool,
    refuses_hashes: AtomicBool,
    cuts: AtomicBool,
    deleted: Mutex<Vec<String>>,
}

impl Meanwhile {
    pub fn after_reads(&self, reads: usize, content: impl Into<Bytes>) {
        let mut after = self.0.after_reads.lock().unwrap();
        after.push((reads, content.into()));
    }

    pub fn after_delete(&self, content: impl Into<Bytes>) {
        self.0.after_deletes.lock().unwrap().push(content.into());
    }

    /// The file becomes a byte longer with each read.
    pub fn changes_always(&self) {
        self.0.changes_always.store(true, Ordering::SeqCst);
    }

    /// Takes no hash beside a zip, or does again.
    pub fn refuse_hashes(&self, refuses: bool) {
        self.0.refuses_hashes.store(refuses, Ordering::SeqCst);
    }

    /// Each file that is read ends in the middle, without an error.
    pub fn cut(&self, cuts: bool) {
        self.0.cuts.store(cuts, Ordering::SeqCst);
    }

    /// What was deleted through it, in order.
    pub fn deleted(&self) -> Vec<String> {
        self.0.deleted.lock().unwrap().clone()
    }

    /// As somebody from outside does it.
    pub async fn delete(&self, key: &str) {
        self.0
            .store
            .delete(&Path::parse(key).unwrap())
            .await
            .unwrap();
    }

    /// Lists its files in another order than that of their paths.
    pub fn unordered(&self) {
        self.0.is_unordered.store(true, Ordering::SeqCst);
    }

    pub async fn write(&self, key: &str, content: impl Into<Bytes>) {
        let path = Path::parse(key).unwrap();
        self.0
            .store
            .put(&path, content.into().into())
            .await
            .unwrap();
    }

    pub async fn read(&self, key: &str) -> Option<Bytes> {
        let got = self.0.store.get(&Path::parse(key).unwrap()).await.ok()?;
        Some(got.bytes().await.unwrap())
    }
}

impl fmt::Display for Meanwhile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meanwhile")
    }
}

#[async_trait]
impl ObjectStore for Meanwhile {
    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        let got = self.0.store.get_opts(at, options).await?;
        if at.as_ref().starts_with('@') {
            return Ok(got);
        }
        let reads = self.0.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let next = {
            let after = self.0.after_reads.lock().unwrap();
            let next = after.iter().find(|(after, _)| *after == reads);
            next.map(|(_, content)| content.clone())
        };
        let next = match self.0.changes_always.load(Ordering::SeqCst) {
            true => Some(vec![b'\n'; reads].into()),
            false => next,
        };
        if let Some(next) = next {
            self.0.store.put(at, next.into()).await?;
        }
        if !self.0.cuts.load(Ordering::SeqCst) {
            return Ok(got);
        }
        let (meta, range, attributes) =
            (got.meta.clone(), got.range.clone(), got.attributes.clone());
        let (extensions, content) = (got.extensions.clone(), got.bytes().await?);
        let half = content.slice(..content.len() / 2);
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::iter([Ok(half)]).boxed()),
            meta,
            range,
            attributes,
            extensions,
        })
    }

    async fn put_opts(
        &self,
        at: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        if at.as_ref().ends_with(".ziphash") && self.0.refuses_hashes.load(Ordering::SeqCst) {
            return Err(Error::Generic {
                store: "Meanwhile",
                source: "it takes no hashes".into(),
            });
        }
        self.0.store.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.store.put_multipart_opts(at, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let deleted = self.0.store.delete_stream(paths);
        deleted
            .then(move |path| {
                let store = store.clone();
                async move {
                    let path = path?;
                    store.0.deleted.lock().unwrap().push(path.to_string());
                    let next = store.0.after_deletes.lock().unwrap().pop();
                    if let Some(next) = next {
                        store.0.store.put(&path, next.into()).await?;
                    }
                    Ok(path)
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let listed = self.0.store.list(prefix);
        if !self.0.is_unordered.load(Ordering::SeqCst) {
            return listed;
        }
        let reversed = async move {
            let mut listed: Vec<_> = listed.collect().await;
            listed.reverse();
            stream::iter(listed)
        };
        stream::once(reversed).flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.store.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.store.copy_opts(from, to, options).await
    }
}
