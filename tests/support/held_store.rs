//! A store whose answers to lookups can be held back, so that what it says is old news on arrival,
//! and which can be slow to take a file.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tokio::sync::watch;

/// A store in memory. Clones are the same store.
#[derive(Clone, Debug)]
pub struct HeldStore {
    inner: Arc<InMemory>,
    /// How many of the next lookups are held back.
    to_hold: Arc<AtomicUsize>,
    released: watch::Sender<bool>,
    held: watch::Sender<usize>,
    lookups: Arc<AtomicUsize>,
    taking: watch::Sender<bool>,
}

impl HeldStore {
    pub fn new() -> Self {
        Self {
            inner: Arc::new(InMemory::new()),
            to_hold: Arc::default(),
            released: watch::Sender::new(true),
            held: watch::Sender::new(0),
            lookups: Arc::default(),
            taking: watch::Sender::new(true),
        }
    }

    /// The next so many lookups find out what is there, and do not come back with it.
    pub fn hold(&self, lookups: usize) {
        self.released.send_replace(false);
        self.to_hold.store(lookups, Ordering::SeqCst);
    }

    /// All lookups come back.
    pub fn release(&self) {
        self.to_hold.store(0, Ordering::SeqCst);
        self.released.send_replace(true);
    }

    /// From now on it waits before it takes a file, or no longer.
    pub fn take_files(&self, take: bool) {
        self.taking.send_replace(take);
    }

    /// How many lookups there were, held back or not.
    pub fn lookups(&self) -> usize {
        self.lookups.load(Ordering::SeqCst)
    }

    /// Waits until so many lookups were held back.
    pub async fn held(&self, lookups: usize) {
        self.held
            .subscribe()
            .wait_for(|held| *held >= lookups)
            .await
            .expect("the sender lives as long as this store");
    }
}

impl fmt::Display for HeldStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeldStore")
    }
}

#[async_trait]
impl ObjectStore for HeldStore {
    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.lookups.fetch_add(1, Ordering::SeqCst);
        let got = self.inner.get_opts(location, options).await;
        let less = |left: usize| left.checked_sub(1);
        let held = self
            .to_hold
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
        if held.is_ok() {
            let mut released = self.released.subscribe();
            self.held.send_modify(|held| *held += 1);
            let released = released.wait_for(|released| *released).await;
            released.expect("the sender lives as long as this store");
        }
        got
    }

    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        let mut taking = self.taking.subscribe();
        let taken = taking.wait_for(|taking| *taking).await;
        taken.expect("the sender lives as long as this store");
        self.inner.put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
