use std::fmt;

use bytes::Bytes;
use http::StatusCode;

/// Why there is nothing to believe.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// The database does not know the module: its status and text.
    Missing(StatusCode, Bytes),
    /// It cannot be asked.
    Away(String),
    /// It, or somebody between, says what its key does not prove.
    Lies(&'static str),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(status, _) => write!(f, "the checksum database says {status}"),
            Self::Away(why) => write!(f, "the checksum database cannot be reached: {why}"),
            Self::Lies(what) => write!(f, "the checksum database cannot be believed: {what}"),
        }
    }
}
