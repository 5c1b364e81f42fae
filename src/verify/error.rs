use std::error::Error;
use std::fmt;

/// Why a file of a source is not what it was asked for.
#[derive(Debug)]
pub(crate) struct Rejected(String);

impl Rejected {
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Rejected {}
