//! What there is in a module cache, by what is removed as one.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::folder::{entries, found};

/// The files of a version, or the clone of a repository.
#[derive(Debug)]
pub(super) struct Item {
    /// The module cache. Folders above it stay.
    pub(super) root: PathBuf,
    /// In the order in which they go.
    pub(super) paths: Vec<PathBuf>,
    /// On the disk.
    pub(super) bytes: u64,
    pub(super) used: Option<SystemTime>,
    /// Of no use to anybody: a clone without a branch or a tag, or what a killed command has left.
    pub(super) is_waste: bool,
}

/// All items of a module cache.
pub(super) fn scan(root: &Path) -> io::Result<Vec<Item>> {
    let mut items = versions(root)?;
    items.extend(clones(root)?);
    Ok(items)
}

/// All versions, by the files in `cache/download/{module}/@v`.
fn versions(root: &Path) -> io::Result<Vec<Item>> {
    let download = root.join("cache/download");
    let sumdb = download.join("sumdb");
    let mut items = Vec::new();
    let mut folders = vec![download.clone()];
    while let Some(folder) = folders.pop() {
        if folder.file_name().is_some_and(|name| name == "@v") {
            items.extend(versions_of(root, &download, &folder)?);
            continue;
        }
        for entry in entries(&folder)? {
            let path = entry.path();
            if entry.file_type()?.is_dir() && path != sumdb {
                folders.push(path);
            }
        }
    }
    Ok(items)
}

fn versions_of(root: &Path, download: &Path, folder: &Path) -> io::Result<Vec<Item>> {
    let mut found = BTreeMap::<String, Item>::new();
    for entry in entries(folder)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        // `list` has no extension.
        let Some((version, extension)) = name.rsplit_once('.') else {
            continue;
        };
        let item = found
            .entry(version.to_owned())
            .or_insert_with(|| Item::in_root(root));
        item.add(entry.path())?;
        item.is_waste |= extension == "tmp";
        // The zip goes first: without it a version is not whole.
        if extension == "zip" {
            let last = item.paths.len() - 1;
            item.paths.swap(0, last);
        }
    }
    let module = folder
        .parent()
        .and_then(|module| module.strip_prefix(download).ok());
    for (version, item) in &mut found {
        if let Some(module) = module {
            item.add(root.join(format!("{}@{version}", module.display())))?;
            // Then what was extracted.
            let last = item.paths.len() - 1;
            item.paths[1..].rotate_right(usize::from(last > 1));
        }
    }
    Ok(found.into_values().collect())
}

/// All clones: `cache/vcs/{hash}`, with files of the same name.
fn clones(root: &Path) -> io::Result<Vec<Item>> {
    let mut found = BTreeMap::<String, Item>::new();
    for entry in entries(&root.join("cache/vcs"))? {
        let name = entry.file_name().to_string_lossy().into_owned();
        let hash = name.split('.').next().unwrap_or(&name).to_owned();
        let item = found.entry(hash).or_insert_with(|| Item::in_root(root));
        item.add(entry.path())?;
        item.is_waste |= entry.file_type()?.is_dir() && is_bare_of_refs(&entry.path())?;
    }
    Ok(found.into_values().collect())
}

/// Whether this is git's, and has nothing.
fn is_bare_of_refs(clone: &Path) -> io::Result<bool> {
    if !clone.join("objects").is_dir() || clone.join("packed-refs").exists() {
        return Ok(false);
    }
    let mut folders = vec![clone.join("refs")];
    while let Some(folder) = folders.pop() {
        for entry in entries(&folder)? {
            if !entry.file_type()?.is_dir() {
                return Ok(false);
            }
            folders.push(entry.path());
        }
    }
    Ok(true)
}

impl Item {
    fn in_root(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            paths: Vec::new(),
            bytes: 0,
            used: None,
            is_waste: false,
        }
    }

    fn add(&mut self, path: PathBuf) -> io::Result<()> {
        let mut paths = vec![path.clone()];
        while let Some(path) = paths.pop() {
            let Some(metadata) = found(fs::symlink_metadata(&path))? else {
                continue;
            };
            self.bytes += on_disk(&metadata);
            if metadata.is_dir() {
                paths.extend(entries(&path)?.into_iter().map(|entry| entry.path()));
            } else {
                self.used = self.used.max(metadata.modified().ok());
            }
        }
        self.paths.push(path);
        Ok(())
    }

    /// Whether somebody has used it since it was looked at. A hit leaves no trace in what was extracted.
    pub(super) fn is_used_since(&self) -> io::Result<bool> {
        let cache = self.root.join("cache");
        let mut now = Self::in_root(&self.root);
        for path in self.paths.iter().filter(|path| path.starts_with(&cache)) {
            now.add(path.clone())?;
        }
        Ok(now.used > self.used)
    }
}

/// Small files take more than their length, and sparse ones less.
fn on_disk(metadata: &Metadata) -> u64 {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        metadata.blocks() * 512
    }
    #[cfg(not(unix))]
    metadata.len()
}
