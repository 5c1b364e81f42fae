//! Looks into the folder of the storage from outside.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::board::Lane;
use crate::screen::{Screen, size};

/// All files below a folder, staged ones too, by name.
pub fn files(folder: &Path) -> io::Result<Vec<(PathBuf, u64)>> {
    let mut found = Vec::new();
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => found.extend(files(&path)?),
            Ok(metadata) => found.push((path, metadata.len())),
            // Published or let go in between.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Shows on `lane` what is written, until `file` is there.
pub async fn watch(folder: PathBuf, file: PathBuf, lane: Lane) -> io::Result<Duration> {
    let total = |folder: &Path| -> io::Result<u64> {
        Ok(files(folder)?.iter().map(|(_, bytes)| bytes).sum())
    };
    let before = total(&folder)?;
    let mut seen = before;
    let mut staged = false;
    loop {
        let published = file.exists();
        let now = total(&folder)?;
        if now > seen {
            lane.add((now - seen) as usize);
            seen = now;
        }
        if !staged && seen > before {
            staged = true;
            lane.tell("takes bytes into .staging");
        }
        if published {
            return Ok(lane.tell("publishes the file, whole and checked"));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Draws the folder as a tree.
pub fn tree(screen: Screen, folder: &Path, depth: usize) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let metadata = entry.metadata()?;
        let indent = "   ".repeat(depth);
        if metadata.is_dir() {
            let empty = match fs::read_dir(entry.path())?.next() {
                None => "  (empty)",
                Some(_) => "",
            };
            screen.line(&screen.paint("2", &format!("   {indent}{name}/{empty}")));
            tree(screen, &entry.path(), depth + 1)?;
        } else {
            let size = size(metadata.len());
            screen.line(&format!("   {indent}{}  {size}", screen.paint("32", &name)));
        }
    }
    Ok(())
}
