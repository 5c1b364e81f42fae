use std::fmt;
use std::sync::Arc;

use crate::target::Target;

/// The path of one file inside a storage. Comes only from a checked target, so that it can
/// neither climb out of the storage nor name two files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(Arc<str>);

impl Key {
    /// `None` for what is no file of a version: lists, latest, branch queries.
    pub(crate) fn new(target: &Target<'_>) -> Option<Self> {
        target
            .resource()
            .is_file()
            .then(|| Self(target.as_str().into()))
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
