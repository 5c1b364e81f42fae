//! The files of the go command's module cache
//! (<https://go.dev/ref/mod#module-cache>).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use super::file::FileParts;
use super::folder::{found, remove};
use crate::module::path::ModulePath;
use crate::module::version::Version;
use crate::target::resource::Resource;

/// Where the files of one version are.
#[derive(Clone, Debug)]
pub(super) struct Cached {
    /// `cache/download/{module}/@v/{version}`, to which the extensions are added.
    stem: PathBuf,
    /// The extracted files.
    dir: PathBuf,
    /// The go.mod that the go command makes up where a module has none.
    made_up: String,
}

impl Cached {
    /// `folder` is the one that the user has given.
    pub(super) fn new(folder: &Path, module: &ModulePath<'_>, version: &Version<'_>) -> Self {
        let made_up = format!("module {}\n", module.unescaped());
        let (module, version) = (module.escaped(), version.escaped());
        let root = folder.join("mod");
        Self {
            stem: root
                .join("cache/download")
                .join(module)
                .join("@v")
                .join(version),
            dir: root.join(format!("{module}@{version}")),
            made_up,
        }
    }

    /// A file, if the go command is through with it. On one blocking thread, since there are several to look at.
    ///
    /// # Cancel safety
    ///
    /// It goes on to its end, which changes nothing but what is wrong anyway.
    pub(super) async fn open(&self, resource: Resource) -> io::Result<Option<FileParts>> {
        let this = self.clone();
        let opened = spawn_blocking(move || match resource {
            Resource::Info => FileParts::open(&this.path("info")),
            Resource::Mod if this.is_known() && this.has_true_mod()? => {
                FileParts::open(&this.path("mod"))
            }
            Resource::Zip if this.is_complete() => FileParts::open(&this.path("zip")),
            _ => Ok(None),
        });
        opened.await.map_err(io::Error::other)?
    }

    /// Whether the go command has been through with this version.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(super) async fn has_all(&self) -> bool {
        let this = self.clone();
        spawn_blocking(move || this.is_complete())
            .await
            .unwrap_or(false)
    }

    /// Whether the go command has looked the version up.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(super) async fn has_info(&self) -> bool {
        let this = self.clone();
        spawn_blocking(move || this.is_known())
            .await
            .unwrap_or(false)
    }

    /// The go command extracts a zip last, and only one that is good.
    fn is_complete(&self) -> bool {
        let has = |extension| exists(&self.path(extension));
        has("info") && has("mod") && has("zip") && exists(&self.dir) && !has("partial")
    }

    fn is_known(&self) -> bool {
        exists(&self.path("info"))
    }

    /// Whether the go.mod is the one of the version.
    ///
    /// The go command makes one up where git has none, and does the same when git fails, whatever the reason. So one
    /// that may be made up is believed only beside what was extracted, which has none then. A wrong one is removed.
    fn has_true_mod(&self) -> io::Result<bool> {
        let path = self.path("mod");
        let Some(metadata) = found(fs::metadata(&path))? else {
            return Ok(false);
        };
        if metadata.len() != self.made_up.len() as u64
            || fs::read(&path)? != self.made_up.as_bytes()
        {
            return Ok(true);
        }
        if !self.is_complete() {
            // Else the next command would take it as it is.
            return remove(&path).map(|()| false);
        }
        let extracted = found(fs::read(self.dir.join("go.mod")))?;
        let is_true = extracted.is_none_or(|text| text == self.made_up.as_bytes());
        if !is_true {
            remove(&path)?;
        }
        Ok(is_true)
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
fn exists(path: &Path) -> bool {
    path.try_exists().unwrap_or(false)
}
