//! How much memory a check takes, however many files there are.
#![cfg(feature = "fill")]

#[path = "support/counting.rs"]
mod counting;

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use tower_goproxy::Storage;
use tower_goproxy::check::Check;

const FILES: usize = 100_000;
const CONTENT: &[u8] = b"module example.com/m\n";

/// A bucket with very many files, none of which is in memory.
#[derive(Debug, Default)]
struct Many(InMemory);

impl Many {
    fn meta(location: Path) -> ObjectMeta {
        ObjectMeta {
            location,
            last_modified: Default::default(),
            size: CONTENT.len() as u64,
            e_tag: None,
            version: None,
        }
    }
}

impl fmt::Display for Many {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Many")
    }
}

#[async_trait]
impl ObjectStore for Many {
    async fn get_opts(&self, at: &Path, options: GetOptions) -> Result<GetResult> {
        if at.as_ref().starts_with('@') {
            return self.0.get_opts(at, options).await;
        }
        let content = stream::iter([Ok(Bytes::from_static(CONTENT))]).boxed();
        Ok(GetResult {
            payload: GetResultPayload::Stream(content),
            meta: Self::meta(at.clone()),
            range: 0..CONTENT.len() as u64,
            attributes: Default::default(),
            extensions: Default::default(),
        })
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let path = |number| {
            let path = format!("example.com/m{number:06}/@v/v1.0.0.mod");
            Path::parse(path).expect("it is a path")
        };
        stream::iter(0..FILES)
            .map(move |number| Ok(Self::meta(path(number))))
            .boxed()
    }

    async fn put_opts(
        &self,
        at: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        self.0.put_opts(at, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        at: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(at, options).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(paths)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

async fn peak(storage: Storage, files: u64) -> usize {
    let before = counting::begin();
    let mut checking = Check::new(storage).start().await.unwrap();
    while checking.next().await.unwrap().is_some() {}
    assert_eq!(checking.summary().good, files);
    counting::peak() - before
}

/// One test, since they share a count.
#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_very_many_files_takes_little_memory() {
    let in_store = peak(Storage::new(Many::default()), FILES as u64).await;
    assert!(in_store < 2 << 20, "{in_store} bytes");

    // All in one folder, which has more names than are kept.
    let folder = tempfile::tempdir().unwrap();
    let versions = folder.path().join("example.com/m/@v");
    std::fs::create_dir_all(&versions).unwrap();
    for number in 0..20_000 {
        std::fs::write(versions.join(format!("v1.{number}.0.mod")), CONTENT).unwrap();
    }
    let on_disk = peak(Storage::disk(folder.path()).unwrap(), 20_000).await;
    assert!(on_disk < 4 << 20, "{on_disk} bytes");
}
