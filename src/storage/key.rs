use std::fmt;
use std::sync::Arc;

use crate::access::value::OwnerName;
use crate::source::Area;
use crate::target::Target;

/// The path of one file inside a storage. Made only of a checked target and a hash, so that it neither leaves the storage
/// nor names two files. Names that begin with `@` are no module's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    path: Arc<str>,
    /// Where the file's own name begins: before it stands the area.
    file_at: usize,
}

impl Key {
    /// `None` for what is not a file of a version: lists, latest, branch queries.
    pub(crate) fn new(target: &Target<'_>, area: Area, owner: Option<&OwnerName>) -> Option<Self> {
        if !target.resource().is_file() {
            return None;
        }
        Some(Self::below(&folder(area, owner), target.as_str()))
    }

    fn below(folder: &str, file: &str) -> Self {
        Self {
            path: format!("{folder}{file}").into(),
            file_at: folder.len(),
        }
    }

    pub(crate) fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// The file's own name, whatever its area: `{module}/@v/{version}.{extension}`.
    pub(crate) fn file(&self) -> &str {
        &self.path[self.file_at..]
    }

    /// Whether it lies in the plain layout, for everyone.
    pub(crate) fn is_plain(&self) -> bool {
        self.file_at == 0
    }

    /// The same file where a registry has said that it is not for shared caches.
    pub(crate) fn to_private(&self) -> Self {
        Self::below("@private/", self.file())
    }
}

/// Where the files of an area and an owner lie: nothing, or a folder with its slash.
pub(crate) fn folder(area: Area, owner: Option<&OwnerName>) -> String {
    match (area, owner.map(OwnerName::as_str)) {
        (Area::Included, None) => String::new(),
        (Area::Direct, None) => "@direct/".to_owned(),
        (Area::Direct, Some(owner)) => format!("@for/{owner}/"),
        (Area::Included, Some(owner)) => format!("@for/{owner}/@included/"),
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)
    }
}
