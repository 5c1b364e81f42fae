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

impl Zip {
    fn new(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        let file = Arc::new(file);
        Ok(Self { file, len })
    }
}

/// The files that the go command has left of a version in a module cache
/// (<https://go.dev/ref/mod#module-cache>). Blocks the thread.
pub(super) fn left_files(
    modules: &Path,
    module: &ModulePath<'_>,
    version: Version<'static>,
    commit: Option<String>,
    has_zip: bool,
) -> io::Result<Files> {
    let (escaped, at) = (module.escaped(), version.escaped());
    let folder = modules.join("cache/download").join(escaped).join("@v");
    let path = |extension| folder.join(format!("{at}.{extension}"));
    let read = |extension| fs::read(path(extension));
    let (info, go_mod) = (read("info")?, read("mod")?);
    let zip = match has_zip {
        true => Some(Zip::new(File::open(path("zip"))?)?),
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
    Ok(Files {
        info: bare(&info),
        go_mod: go_mod.map(Bytes::from),
        version,
        commit,
        zip,
    })
}

/// The fields of an info. Of the origin only what holds for the version itself: the rest says how the
/// repository looks today, or what was requested, such as a branch.
fn bare(info: &[u8]) -> Bytes {
    let Ok(mut said) = serde_json::from_slice::<Map<String, Value>>(info) else {
        return info.to_vec().into();
    };
    said.retain(|name, _| matches!(&**name, "Version" | "Time" | "Origin"));
    let version = said.get("Version").and_then(Value::as_str);
    let tag = version.map(|version| version.trim_end_matches("+incompatible").to_owned());
    let is_tag = |at: &str| {
        at.starts_with("refs/tags/") && tag.as_ref().is_some_and(|tag| at.ends_with(tag))
    };
    if let Some(Value::Object(origin)) = said.get_mut("Origin") {
        origin.retain(|name, value| match &**name {
            "TagPrefix" | "TagSum" | "RepoSum" => false,
            "Ref" => value.as_str().is_some_and(is_tag),
            _ => true,
        });
    }
    Value::Object(said).to_string().into()
}
