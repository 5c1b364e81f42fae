//! A storage that a test can look into from outside.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use object_store::memory::InMemory;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use tempfile::TempDir;
use tower_goproxy::Storage;

/// Where a proxy keeps its files.
#[derive(Debug)]
pub enum Kept {
    Disk(TempDir),
    Memory(Arc<InMemory>),
}

impl Kept {
    pub fn on_disk() -> Self {
        Self::Disk(TempDir::new().expect("a temporary folder can be made"))
    }

    /// Looks files up without a thread of its own: a request that has been polled once has joined.
    pub fn in_memory() -> Self {
        Self::Memory(Arc::default())
    }

    pub fn storage(&self) -> Storage {
        match self {
            Self::Disk(folder) => Storage::disk(folder.path()).expect("the folder is writable"),
            Self::Memory(store) => Storage::new(Arc::<InMemory>::clone(store)),
        }
    }

    /// The folder of one on disk.
    ///
    /// # Panics
    ///
    /// It is in memory.
    pub fn folder(&self) -> &Path {
        match self {
            Self::Disk(folder) => folder.path(),
            Self::Memory(_) => panic!("a storage in memory has no folder"),
        }
    }

    /// The names of all files, of staged ones too, but for the hashes beside zips.
    pub async fn names(&self) -> Vec<String> {
        let mut names = self.all_names().await;
        names.retain(|name| !name.ends_with(".ziphash"));
        names
    }

    /// The names of all files.
    pub async fn all_names(&self) -> Vec<String> {
        match self {
            Self::Disk(folder) => all_names(folder.path()),
            Self::Memory(store) => {
                let found: Vec<_> = store.list(None).try_collect().await.expect("it is memory");
                let names = found.iter().map(|meta| meta.location.to_string());
                let mut names: Vec<_> = names.collect();
                names.sort();
                names
            }
        }
    }

    /// Puts a file there, as somebody from outside does it.
    pub async fn write(&self, key: &str, content: impl Into<Bytes>) {
        let content = content.into();
        match self {
            Self::Disk(folder) => {
                let path = folder.path().join(key);
                let folder = path.parent().expect("a key has a folder");
                fs::create_dir_all(folder).expect("a temporary folder takes folders");
                fs::write(path, content).expect("a temporary folder takes files");
            }
            Self::Memory(store) => {
                let path = object_store::path::Path::parse(key).expect("a key is a path");
                store
                    .put(&path, content.into())
                    .await
                    .expect("it is memory");
            }
        }
    }

    /// The content of a file that is there.
    pub async fn read(&self, key: &str) -> Vec<u8> {
        match self {
            Self::Disk(folder) => fs::read(folder.path().join(key))
                .unwrap_or_else(|error| panic!("cannot read {key}: {error}")),
            Self::Memory(store) => {
                let path = object_store::path::Path::parse(key).expect("a key is a path");
                let got = store.get(&path).await;
                let got = got.unwrap_or_else(|error| panic!("cannot read {key}: {error}"));
                got.bytes().await.expect("it is memory").to_vec()
            }
        }
    }
}

/// Each file below a folder, by its path inside of it, in order, but for the hashes beside zips.
pub fn names(root: &Path) -> Vec<String> {
    let mut names = all_names(root);
    names.retain(|name| !name.ends_with(".ziphash"));
    names
}

fn all_names(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        // A folder may go away while it is looked at.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).expect("it was found below");
                names.push(name.to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    names
}
