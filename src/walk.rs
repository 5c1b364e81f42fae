//! The files of a folder on disk in the order of their paths, as object stores list theirs.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

use futures_util::stream::{self, Stream, StreamExt, TryStreamExt};

use crate::files::{Threads, blocking};

/// So many paths are read at once.
const PATHS: usize = 1024;

/// How many names of one folder are in memory at once. A larger folder is read again for each next part.
const NAMES: usize = 16 * 1024;

/// Paths have slashes, and begin at the root. Folders behind links are not followed: a link to one counts as a file. Names that
/// are not UTF-8 are left out. Where the walk begins at the root, a folder that may not be read comes as its path with a slash
/// at the end, such as the `lost+found` of a volume.
#[derive(Debug)]
pub(crate) struct Walk {
    root: PathBuf,
    /// Only paths that come after this one, which is empty or that of a file.
    after: String,
    /// Each in the one before.
    folders: Vec<Folder>,
    shows_locked: bool,
}

#[derive(Debug)]
struct Folder {
    /// Empty, or with a slash at the end.
    path: String,
    /// Names that have not come yet. Those of folders end with a slash, which gives them the place of what is in them.
    names: BTreeSet<String>,
    /// Names that come after this one were not read yet.
    after: String,
    is_read: bool,
}

impl Walk {
    pub(crate) fn new(root: &Path, folder: &str, after: &str) -> Self {
        let path = match folder {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        Self {
            root: root.to_owned(),
            after: after.to_owned(),
            shows_locked: folder.is_empty(),
            folders: vec![Folder::new(path, after)],
        }
    }

    /// Off the async threads.
    pub(crate) fn paths(self, threads: Threads) -> impl Stream<Item = io::Result<String>> + Send {
        let parts = stream::try_unfold(self, move |mut walk| {
            let threads = threads.clone();
            async move {
                let read = move || Ok((walk.next(PATHS)?, walk));
                let (paths, walk) = blocking(&threads.reads, read).await?;
                let paths = (!paths.is_empty()).then_some(paths);
                Ok::<_, io::Error>(paths.map(|paths| (stream::iter(paths).map(Ok), walk)))
            }
        });
        parts.try_flatten()
    }

    /// So many paths, or fewer if these are the last ones. A folder that is not there has none.
    fn next(&mut self, most: usize) -> io::Result<Vec<String>> {
        let mut paths = Vec::new();
        while paths.len() < most
            && let Some(folder) = self.folders.last_mut()
        {
            let Some(name) = folder.names.pop_first() else {
                if folder.is_read {
                    self.folders.pop();
                    continue;
                }
                match folder.read(&self.root) {
                    Err(error)
                        if self.shows_locked && is_locked(&error) && !folder.path.is_empty() =>
                    {
                        paths.push(folder.path.clone());
                    }
                    read => read?,
                }
                continue;
            };
            let path = format!("{}{name}", folder.path);
            match path.ends_with('/') {
                true => self.folders.push(Folder::new(path, &self.after)),
                false => paths.push(path),
            }
        }
        Ok(paths)
    }
}

impl Folder {
    fn new(path: String, after: &str) -> Self {
        Self {
            after: after.strip_prefix(&path).unwrap_or_default().to_owned(),
            path,
            names: BTreeSet::new(),
            is_read: false,
        }
    }

    fn read(&mut self, root: &Path) -> io::Result<()> {
        self.is_read = true;
        let entries = match fs::read_dir(root.join(&self.path)) {
            Ok(entries) => entries,
            // It has gone away, or a file has its place.
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => return Ok(()),
                _ => return Err(error),
            },
        };
        for entry in entries {
            let Some(name) = name(&entry?)? else {
                continue;
            };
            // What the walk is to begin after may be in this folder.
            let leads_on =
                name.ends_with('/') && self.after.starts_with(&name) && self.after != name;
            if name <= self.after && !leads_on {
                continue;
            }
            self.names.insert(name);
            if self.names.len() > NAMES {
                self.names.pop_last();
                self.is_read = false;
            }
        }
        if let Some(last) = self.names.last() {
            self.after.clone_from(last);
        }
        Ok(())
    }
}

fn is_locked(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

fn name(entry: &DirEntry) -> io::Result<Option<String>> {
    let Ok(mut name) = entry.file_name().into_string() else {
        return Ok(None);
    };
    if entry.file_type()?.is_dir() {
        name.push('/');
    }
    Ok(Some(name))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{NAMES, Walk};

    fn all(mut walk: Walk) -> Vec<String> {
        let mut paths = Vec::new();
        loop {
            let next = walk.next(100).unwrap();
            assert!(
                walk.folders
                    .iter()
                    .all(|folder| folder.names.len() <= NAMES)
            );
            match next.is_empty() {
                true => return paths,
                false => paths.extend(next),
            }
        }
    }

    #[test]
    fn files_come_in_the_order_of_their_paths_from_anywhere_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut files = [
            "a", "a-b/c", "a.b", "a/@v/x", "a/b", "a/b-/x", "a/b/c", "a!/x", "b/c/d/e", "b/c0", "z",
        ]
        .map(str::to_owned);
        // The same name cannot be a file and a folder.
        files[0] = "a~".to_owned();
        files[4] = "a/b~".to_owned();
        for file in &files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        fs::create_dir(folder.path().join("empty")).unwrap();
        files.sort();
        assert_eq!(all(Walk::new(folder.path(), "", "")), files);
        let between = ["", "a", "a/a", "a/b", "a/b/bb", "b/c", "b/c/d", "zz", "~"];
        let starts = files.iter().map(String::as_str).chain(between);
        for start in starts {
            let later = files.iter().filter(|file| file.as_str() > start);
            let found = all(Walk::new(folder.path(), "", start));
            assert_eq!(found, later.cloned().collect::<Vec<_>>(), "after {start}");
        }
        let below = files.iter().filter(|file| file.starts_with("a/"));
        let below: Vec<_> = below.cloned().collect();
        assert_eq!(all(Walk::new(folder.path(), "a", "")), below);
        assert_eq!(all(Walk::new(folder.path(), "a", "a/b/c")), below[3..]);
        assert!(all(Walk::new(folder.path(), "none", "")).is_empty());
        assert!(all(Walk::new(folder.path(), "z", "")).is_empty());
    }

    #[test]
    fn a_folder_with_more_names_than_are_kept_comes_in_order_too() {
        let folder = tempfile::tempdir().unwrap();
        let count = NAMES * 2 + 10;
        for number in 0..count {
            fs::write(folder.path().join(format!("{number:06}")), "").unwrap();
        }
        fs::create_dir_all(folder.path().join("000100-d/x")).unwrap();
        fs::write(folder.path().join("000100-d/x/y"), "").unwrap();
        let found = all(Walk::new(folder.path(), "", ""));
        assert_eq!(found.len(), count + 1);
        assert!(found.is_sorted());
        assert_eq!(
            all(Walk::new(folder.path(), "", "000100-d/x/x")).len(),
            count - 100
        );
    }
}
