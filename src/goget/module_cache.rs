//! What the go command leaves in the module cache of a run (<https://go.dev/ref/mod#module-cache>).

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::folder::found;
use super::job::{Files, Zip};
use crate::module::path::ModulePath;
use crate::module::version::Version;

/// The fields of an info. Of the origin only what holds for the version itself: the rest says how the
/// repository looks today, or what was requested, such as a branch.
pub(super) fn info(said: &Value) -> String {
    let mut info = Map::new();
    for name in ["Version", "Time"] {
        if let Some(value) = said.get(name) {
            info.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(origin) = said.get("Origin").and_then(Value::as_object) {
        let mut origin = origin.clone();
        for name in ["TagPrefix", "TagSum", "RepoSum"] {
            origin.remove(name);
        }
        let version = said.get("Version").and_then(Value::as_str);
        let tag = version.map(|version| version.trim_end_matches("+incompatible"));
        let is_tag =
            |at: &str| at.starts_with("refs/tags/") && tag.is_some_and(|it| at.ends_with(it));
        if !origin
            .get("Ref")
            .and_then(Value::as_str)
            .is_some_and(is_tag)
        {
            origin.remove("Ref");
        }
        info.insert("Origin".to_owned(), Value::Object(origin));
    }
    Value::Object(info).to_string()
}

/// An info as the go command has written it, which may know of more.
fn bare(text: &Bytes) -> Bytes {
    match serde_json::from_slice(text) {
        Ok(said) => info(&said).into(),
        Err(_) => text.clone(),
    }
}

/// Where a version is.
pub(super) struct Left {
    /// `cache/download/{module}/@v/{version}`, to which the extensions are added.
    stem: PathBuf,
    /// The extracted files.
    extracted: PathBuf,
    /// The go.mod that the go command makes up where a module has none.
    made_up: String,
}

impl Left {
    pub(super) fn new(modules: &Path, module: &ModulePath<'_>, version: &Version<'_>) -> Self {
        let made_up = format!("module {}\n", module.unescaped());
        let (module, version) = (module.escaped(), version.escaped());
        Self {
            stem: modules
                .join("cache/download")
                .join(module)
                .join("@v")
                .join(version),
            extracted: modules.join(format!("{module}@{version}")),
            made_up,
        }
    }

    /// `None` if a file is missing. Blocks the thread.
    pub(super) fn files(&self, commit: Option<String>, has_zip: bool) -> io::Result<Option<Files>> {
        let (Some(info), Some(go_mod)) = (self.read("info")?, self.read("mod")?) else {
            return Ok(None);
        };
        let zip = match has_zip {
            true => match found(File::open(self.path("zip")))? {
                Some(file) => Some(Zip {
                    len: file.metadata()?.len(),
                    file: Arc::new(file),
                }),
                None => return Ok(None),
            },
            false => None,
        };
        Ok(Some(Files {
            info: bare(&info),
            go_mod: self.true_mod(go_mod, has_zip)?,
            commit,
            zip,
        }))
    }

    /// The go command makes a go.mod up where git has none, and does the same when git fails, whatever the reason. So
    /// one that may be made up is not believed without the extracted files.
    fn true_mod(&self, go_mod: Bytes, is_extracted: bool) -> io::Result<Option<Bytes>> {
        if go_mod != self.made_up {
            return Ok(Some(go_mod));
        }
        if !is_extracted {
            return Ok(None);
        }
        let extracted = found(fs::read(self.extracted.join("go.mod")))?;
        Ok(Some(extracted.map_or(go_mod, Bytes::from)))
    }

    fn read(&self, extension: &str) -> io::Result<Option<Bytes>> {
        Ok(found(fs::read(self.path(extension)))?.map(Bytes::from))
    }

    /// A version has dots of its own, so this is no matter of `Path::with_extension`.
    fn path(&self, extension: &str) -> PathBuf {
        let mut path = self.stem.clone().into_os_string();
        path.push(".");
        path.push(extension);
        path.into()
    }
}
