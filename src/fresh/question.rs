use std::sync::Arc;

use crate::access::value::Access;
use crate::module::Version;
use crate::source::Area;
use crate::storage::folder;
use crate::target::{Resource, Target};

/// The most bytes that a list has.
const MOST_OF_LIST: usize = 16 << 20;
/// The most bytes of everything else.
const MOST: usize = 1 << 20;

/// What is asked, of which area, and for whom.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) target: Target<'static>,
    pub(super) area: Area,
    /// Whose the answer is: `None` for everyone.
    pub(super) access: Option<Access>,
    /// The target's path, behind the folder of the area and the owner.
    path: Arc<str>,
    folder_len: usize,
}

impl Question {
    pub(super) fn new(target: Target<'static>, area: Area, access: Option<Access>) -> Self {
        let folder = folder(area, access.as_ref().map(Access::owner_name));
        Self {
            path: format!("{folder}{target}").into(),
            folder_len: folder.len(),
            target,
            area,
            access,
        }
    }

    /// Another question about modules of the same area, for the same owner.
    pub(super) fn other(&self, target: Target<'static>) -> Self {
        Self {
            path: format!("{}{target}", self.folder()).into(),
            target,
            ..self.clone()
        }
    }

    /// A file of a version of the same module.
    pub(super) fn file(&self, version: &Version<'_>, file: Resource) -> Option<Self> {
        let target = self.target.with_file(version, file).ok()?;
        Some(self.other(target))
    }

    /// What the answer is kept by: area, owner, module and query.
    pub(super) fn path(&self) -> &Arc<str> {
        &self.path
    }

    /// Empty, or with a slash at its end.
    pub(super) fn folder(&self) -> &str {
        &self.path[..self.folder_len]
    }

    /// The folder of the module, behind that of the area and the owner.
    pub(super) fn module(&self) -> &str {
        let module = self.target.module().escaped().len();
        &self.path[..self.folder_len + module]
    }

    /// The proper prefixes of that, the longest first.
    pub(super) fn above(&self) -> impl Iterator<Item = &str> {
        let (module, folder) = (self.module(), self.folder_len);
        let ends = module[folder..].rmatch_indices('/');
        ends.map(move |(end, _)| &module[..folder + end])
    }

    /// Whether a source may answer another user of the same owner in another way.
    pub(super) fn has_credentials(&self) -> bool {
        let access = self.access.as_ref();
        access.is_some_and(|access| *access != Access::new(access.owner()))
    }

    /// The path of the module's list, or of its `@latest`.
    pub(super) fn beside(&self, resource: Resource) -> String {
        let name = if resource == Resource::List {
            "@v/list"
        } else {
            "@latest"
        };
        format!("{}/{name}", self.module())
    }

    pub(super) fn is_list(&self) -> bool {
        self.target.resource() == Resource::List
    }

    /// The most bytes that an answer may have.
    pub(super) fn most(&self) -> usize {
        if self.is_list() { MOST_OF_LIST } else { MOST }
    }
}
