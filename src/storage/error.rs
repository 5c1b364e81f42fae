use std::error::Error;
use std::fmt;

use super::key::Key;

/// A storage did not do what it was asked: which step, on which file, and why.
#[derive(Debug)]
pub(crate) struct StorageError {
    step: &'static str,
    key: Key,
    source: Box<dyn Error + Send + Sync>,
}

impl StorageError {
    pub(crate) fn new(
        step: &'static str,
        key: &Key,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            step,
            key: key.clone(),
            source: source.into(),
        }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "storage cannot {} {}: {}",
            self.step, self.key, self.source
        )
    }
}

impl Error for StorageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
