use std::fmt;
use std::sync::Arc;

use crate::access::value::OwnerName;
use crate::target::Target;

/// The path of one file inside a storage. Comes only from a checked target and a hash, so that it can
/// neither climb out of the storage nor name two files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(Arc<str>);

impl Key {
    /// The file that is for everyone. `None` for what is no file of a version: lists, latest, branch queries.
    pub(crate) fn new(target: &Target<'_>) -> Option<Self> {
        target
            .resource()
            .is_file()
            .then(|| Self(target.as_str().into()))
    }

    /// The same file, for one owner. No module path begins with an `@`, so it never meets one that is for everyone.
    pub(crate) fn for_owner(self, owner: &OwnerName) -> Self {
        Self(format!("@for/{}/{self}", owner.as_str()).into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
