//! What is requested of the go command, and the files that it brings.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::folder::found;
use crate::access::value::Access;
use crate::module::path::ModulePath;
use crate::module::version::Version;

/// Equal jobs at the same time are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Job {
    pub(super) module: ModulePath<'static>,
    pub(super) asked: Asked,
    /// For whom, and with which credentials: what one is told is not for another.
    pub(super) access: Option<Access>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    /// All files of a version.
    Files(Version<'static>),
    /// Those of them that need no zip.
    LookUp(Version<'static>),
    /// What a query stands for, or `latest`.
    Query(String),
    /// The tagged versions.
    List,
}

impl Job {
    /// What is behind the `@` of an argument, as the client has chosen it.
    pub(super) fn name(&self) -> Cow<'_, str> {
        match &self.asked {
            Asked::Files(version) | Asked::LookUp(version) => version.unescaped(),
            Asked::Query(query) => Cow::Borrowed(query),
            Asked::List => Cow::Borrowed(""),
        }
    }

    /// The host with which the module's path begins.
    pub(super) fn host(&self) -> &str {
        let path = self.module.escaped();
        path.split('/').next().unwrap_or(path)
    }
}

/// What a run has brought.
#[derive(Clone, Debug)]
pub(super) enum Found {
    List(Bytes),
    Version(Arc<Files>),
}

/// Files of one version, out of one run.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) version: Version<'static>,
    pub(super) info: Bytes,
    /// `None` where only the zip tells whether there is one.
    pub(super) go_mod: Option<Bytes>,
    pub(super) commit: Option<String>,
    pub(super) zip: Option<Zip>,
}

/// A file that has no name any more: it is gone with the last one who has it open.
#[derive(Clone, Debug)]
pub(super) struct Zip {
    pub(super) file: Arc<File>,
    pub(super) len: u64,
}

/// The files that the go command has left of a version in a module cache
/// (<https://go.dev/ref/mod#module-cache>). `None` if one is missing. Blocks the thread.
pub(super) fn left_files(
    modules: &Path,
    module: &ModulePath<'_>,
    version: Version<'static>,
    commit: Option<String>,
    has_zip: bool,
) -> io::Result<Option<Files>> {
    let (escaped, at) = (module.escaped(), version.escaped());
    let folder = modules.join("cache/download").join(escaped).join("@v");
    let path = |extension| folder.join(format!("{at}.{extension}"));
    let read = |extension| found(fs::read(path(extension)));
    let (Some(info), Some(go_mod)) = (read("info")?, read("mod")?) else {
        return Ok(None);
    };
    let zip = match has_zip {
        true => match found(File::open(path("zip")))? {
            Some(file) => Some(Zip {
                len: file.metadata()?.len(),
                file: Arc::new(file),
            }),
            None => return Ok(None),
        },
        false => None,
    };
    // The go command makes a go.mod up where git has none, and does the same when git fails, whatever the reason. So
    // one that may be made up is not believed without the extracted files.
    let may_be_made_up = go_mod == format!("module {}\n", module.unescaped()).as_bytes();
    let go_mod = match (may_be_made_up, has_zip) {
        (true, true) => {
            let extracted = modules.join(format!("{escaped}@{at}/go.mod"));
            Some(found(fs::read(extracted))?.unwrap_or(go_mod))
        }
        (true, false) => None,
        (false, _) => Some(go_mod),
    };
    Ok(Some(Files {
        info: bare(&info),
        go_mod: go_mod.map(Bytes::from),
        version,
        commit,
        zip,
    }))
}

/// The fields of an info. Of the origin only what holds for the version itself: the rest says how the
/// repository looks today, or what was requested, such as a branch.
fn bare(info: &[u8]) -> Bytes {
    let Ok(said) = serde_json::from_slice::<Value>(info) else {
        return info.to_vec().into();
    };
    let mut bare = Map::new();
    for name in ["Version", "Time"] {
        bare.extend(said.get(name).map(|value| (name.to_owned(), value.clone())));
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
        bare.insert("Origin".to_owned(), Value::Object(origin));
    }
    Value::Object(bare).to_string().into()
}
