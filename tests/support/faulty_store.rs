//! A store in memory that fails, stalls, dawdles or panics at the step that a test names.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::Extensions;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result, UploadPart,
};
use tokio::sync::watch;

/// What a store is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// What is in a folder?
    List,
    /// Is the file there, and how long is it?
    LookUp,
    Open,
    /// Behind the first bytes of an opened file.
    Read,
    Put,
    CreateMultipart,
    /// Counted from 0.
    Part(usize),
    Complete,
    /// Counts as one KiB.
    Abort,
}

/// What goes wrong then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Fail,
    /// Never answers.
    Stall,
    Panic,
    /// Takes its time for each KiB.
    Slow(Duration),
    /// `Read` only: a clean end.
    Short,
    /// `Read` only: nothing, again and again.
    Empty,
    /// `Read` only: everything, and then nothing.
    EmptyEnd,
}

/// Clones are the same store.
#[derive(Clone, Debug)]
pub struct FaultyStore {
    inner: Arc<InMemory>,
    fault: Arc<Mutex<Option<(Step, Fault)>>>,
    next: Arc<Mutex<Option<(Step, Fault)>>>,
    struck: Arc<AtomicUsize>,
    uploads: watch::Sender<usize>,
    aborted: Arc<AtomicUsize>,
}

impl FaultyStore {
    pub fn new(step: Step, fault: Fault) -> Self {
        let store = Self::sound();
        store.set(Some((step, fault)));
        store
    }

    pub fn sound() -> Self {
        Self {
            inner: Arc::default(),
            fault: Arc::default(),
            next: Arc::default(),
            struck: Arc::default(),
            uploads: watch::Sender::new(0),
            aborted: Arc::default(),
        }
    }

    /// From now on this goes wrong, or nothing.
    pub fn set(&self, fault: Option<(Step, Fault)>) {
        *self.fault.lock().unwrap() = fault;
    }

    /// Once the fault has struck, this goes wrong in its place.
    pub fn then(self, step: Step, fault: Fault) -> Self {
        *self.next.lock().unwrap() = Some((step, fault));
        self
    }

    /// How often the fault has struck.
    pub fn struck(&self) -> usize {
        self.struck.load(Ordering::SeqCst)
    }

    /// How many multipart uploads have been neither completed nor aborted.
    pub fn open_uploads(&self) -> usize {
        *self.uploads.borrow()
    }

    /// How many multipart uploads have been aborted.
    pub fn aborted(&self) -> usize {
        self.aborted.load(Ordering::SeqCst)
    }

    /// Waits until each multipart upload has been completed or aborted.
    pub async fn no_open_uploads(&self) {
        let mut uploads = self.uploads.subscribe();
        let closed = uploads.wait_for(|open| *open == 0);
        // Longer than anything in this crate takes, under paused time.
        tokio::time::timeout(Duration::from_secs(86_400), closed)
            .await
            .expect("an upload was left open")
            .expect("the sender lives as long as this store");
    }

    /// The names of all files that are visible, but for the hashes beside zips.
    pub async fn names(&self) -> Vec<String> {
        let found: Vec<_> = self.inner.list(None).try_collect().await.unwrap();
        let names = found.iter().map(|meta| meta.location.to_string());
        names.filter(|name| !name.ends_with(".ziphash")).collect()
    }

    fn fault(&self, step: Step) -> Option<Fault> {
        let mut now = self.fault.lock().unwrap();
        let fault = now.filter(|(at, _)| *at == step);
        if fault.is_some() {
            self.struck.fetch_add(1, Ordering::SeqCst);
            *now = self.next.lock().unwrap().take().or(*now);
        }
        fault.map(|(_, fault)| fault)
    }

    async fn at(&self, step: Step, len: usize) -> Result<()> {
        match self.fault(step) {
            None | Some(Fault::Short | Fault::Empty | Fault::EmptyEnd) => Ok(()),
            Some(Fault::Fail) => Err(broken(step)),
            Some(Fault::Stall) => std::future::pending().await,
            Some(Fault::Panic) => panic!("the store panics at {step:?}, as it was told to"),
            Some(Fault::Slow(kib)) => {
                // The pace of the store, under paused time.
                let kibs = u32::try_from(len / 1024).expect("a test's file is small");
                tokio::time::sleep(kib * kibs).await;
                Ok(())
            }
        }
    }
}

fn broken(step: Step) -> Error {
    Error::Generic {
        store: "faulty",
        source: format!("broken at {step:?}").into(),
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.at(Step::Put, payload.content_length()).await?;
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.at(Step::CreateMultipart, 0).await?;
        let inner = self.inner.put_multipart_opts(location, options).await?;
        self.uploads.send_modify(|open| *open += 1);
        Ok(Box::new(Upload {
            store: self.clone(),
            inner,
            parts: 0,
        }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let step = if options.head {
            Step::LookUp
        } else {
            Step::Open
        };
        self.at(step, 0).await?;
        if let Some(GetRange::Suffix(0)) = options.range {
            // As S3 and its like.
            return Err(broken(step));
        }
        let mut got = self.inner.get_opts(location, options).await?;
        if let Some(fault) = self.fault(Step::Read) {
            let (meta, range) = (got.meta.clone(), got.range.clone());
            let whole = got.bytes().await?;
            let begin = match fault {
                Fault::EmptyEnd => whole,
                _ => whole.slice(..whole.len() / 2),
            };
            let begin = stream::iter([Ok(begin)]);
            let end = stream::once(async move {
                match fault {
                    Fault::Short | Fault::Empty | Fault::EmptyEnd => Ok(Bytes::new()),
                    Fault::Stall => std::future::pending().await,
                    Fault::Panic => panic!("the store panics at Read, as it was told to"),
                    Fault::Fail | Fault::Slow(_) => Err(broken(Step::Read)),
                }
            });
            let parts = match fault {
                Fault::Empty => begin
                    .chain(stream::repeat_with(|| Ok(Bytes::new())))
                    .boxed(),
                _ => begin.chain(end).boxed(),
            };
            got = GetResult {
                payload: GetResultPayload::Stream(parts),
                meta,
                range,
                attributes: Attributes::default(),
                extensions: Extensions::default(),
            };
        }
        Ok(got)
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (store, found) = (self.clone(), self.inner.list(prefix));
        let begun = async move { store.at(Step::List, 0).await.map(|()| found) };
        stream::once(begun).try_flatten().boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct Upload {
    store: FaultyStore,
    inner: Box<dyn MultipartUpload>,
    parts: usize,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (store, step) = (self.store.clone(), Step::Part(self.parts));
        self.parts += 1;
        let len = data.content_length();
        let put = self.inner.put_part(data);
        Box::pin(async move {
            store.at(step, len).await?;
            put.await
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.store.at(Step::Complete, 0).await?;
        let done = self.inner.complete().await?;
        self.store.uploads.send_modify(|open| *open -= 1);
        Ok(done)
    }

    async fn abort(&mut self) -> Result<()> {
        self.store.at(Step::Abort, 1024).await?;
        self.inner.abort().await?;
        self.store.aborted.fetch_add(1, Ordering::SeqCst);
        self.store.uploads.send_modify(|open| *open -= 1);
        Ok(())
    }
}
