//! One test for each kind of storage.

use std::fs;
use std::path::{Path, PathBuf};

/// Makes of each `async fn name(storage: Storage)` a test with a storage in memory and one with a
/// storage on disk, both in paused time. Its fills have ended when such a test returns: nothing
/// may be staged then.
macro_rules! on_each_storage {
    ($($(#[$meta:meta])* async fn $name:ident($storage:ident: Storage) $body:block)*) => {
        $($(#[$meta])* async fn $name($storage: tower_goproxy::Storage) $body)*

        mod in_memory {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                let storage = tower_goproxy::Storage::memory();
                $crate::support::within(super::$name(storage)).await;
            })*
        }

        mod on_disk {
            $(#[tokio::test(start_paused = true)]
            async fn $name() {
                let folder = tempfile::tempdir().expect("a temporary folder can be made");
                let storage = tower_goproxy::Storage::disk(folder.path())
                    .expect("a temporary folder is a storage");
                $crate::support::within(super::$name(storage)).await;
                $crate::support::storages::assert_nothing_staged(folder.path());
            })*
        }
    };
}

pub fn assert_nothing_staged(storage: &Path) {
    let staged = files(&storage.join(".staging"));
    assert!(staged.is_empty(), "left behind: {staged:?}");
}

/// All files below a folder, by their paths relative to it, in order, but for the hashes beside zips.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).expect("a test's folder can be read") {
            let path = entry.expect("a test's folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_none_or(|extension| extension != "ziphash")
            {
                let relative = path.strip_prefix(folder).expect("it is below the folder");
                found.push(relative.to_owned());
            }
        }
    }
    found.sort();
    found
}
