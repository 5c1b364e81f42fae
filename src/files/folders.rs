//! Folders that survive a power cut.

use std::fs::{self, File};
use std::io;
use std::path::Path;

type SyncFolder<'a> = &'a dyn Fn(&Path) -> io::Result<()>;

/// Each folder is synced in its parent, else a power cut could take the file with it. Not to be called by two threads at
/// once: one could find a folder that the other has not synced yet. Another process may make one at any time.
pub(crate) fn make_folders(root: &Path, folder: &Path, sync: SyncFolder<'_>) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if folder == root {
        return fs::create_dir_all(root);
    }
    let parent = folder.parent().unwrap_or(root);
    make_folders(root, parent, sync)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => sync(parent),
    }
}

#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere a folder cannot be opened as a file, and needs no sync of its own.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::fs;
    use std::path::Path;

    use super::make_folders;

    fn synced(root: &Path, by_others: &[&str]) -> Vec<String> {
        let synced = RefCell::new(Vec::new());
        let sync = |parent: &Path| {
            for folder in by_others {
                // Once its parent is there.
                let _ = fs::create_dir(root.join(folder));
            }
            let name = parent.strip_prefix(root).unwrap().display().to_string();
            synced.borrow_mut().push(name);
            Ok(())
        };
        make_folders(root, &root.join("a/b/c"), &sync).unwrap();
        assert!(root.join("a/b/c").is_dir());
        synced.into_inner()
    }

    #[test]
    fn each_new_folder_is_synced_in_its_parent_whoever_makes_it() {
        for by_others in [&[][..], &["a/b"], &["a/b", "a/b/c"]] {
            let root = tempfile::tempdir().unwrap();
            assert_eq!(synced(root.path(), by_others), ["", "a", "a/b"]);
            assert_eq!(synced(root.path(), by_others), [""; 0], "they are there");
        }
    }
}
