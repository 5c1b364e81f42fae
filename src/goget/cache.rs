//! The files of the go command's module cache
//! (<https://go.dev/ref/mod#module-cache>).

use std::io;
use std::path::{Path, PathBuf};

use super::file::FileParts;
use crate::module::path::ModulePath;
use crate::module::version::Version;

/// Where the files of one version are.
#[derive(Debug)]
pub(super) struct Cached {
    /// `cache/download/{module}/@v/{version}`, to which the extensions are added.
    stem: PathBuf,
    /// The extracted files.
    dir: PathBuf,
}

impl Cached {
    /// `folder` is the one that the user has given.
    pub(super) fn new(folder: &Path, module: &ModulePath<'_>, version: &Version<'_>) -> Self {
        let (module, version) = (module.escaped(), version.escaped());
        let root = folder.join("mod");
        Self {
            stem: root
                .join("cache/download")
                .join(module)
                .join("@v")
                .join(version),
            dir: root.join(format!("{module}@{version}")),
        }
    }

    /// The file with this extension.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(super) async fn open(&self, extension: &str) -> io::Result<Option<FileParts>> {
        FileParts::open(&self.path(extension)).await
    }

    /// Whether the go command has been through with this version: it extracts a zip last, and only one
    /// that is good.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(super) async fn is_complete(&self) -> bool {
        for extension in ["info", "mod", "zip"] {
            if !exists(&self.path(extension)).await {
                return false;
            }
        }
        exists(&self.dir).await && !exists(&self.path("partial")).await
    }

    /// Whether the go command has looked the version up.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(super) async fn is_known(&self) -> bool {
        exists(&self.path("info")).await
    }

    /// A version has dots of its own, so this is no matter of `Path::with_extension`.
    fn path(&self, extension: &str) -> PathBuf {
        let mut path = self.stem.clone().into_os_string();
        path.push(".");
        path.push(extension);
        path.into()
    }
}

/// What cannot be looked at is not there: the go command then says why.
async fn exists(path: &Path) -> bool {
    tokio::fs::try_exists(path).await.unwrap_or(false)
}
