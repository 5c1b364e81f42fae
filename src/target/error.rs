//! Why a request for a module cannot be answered.

use std::fmt;

use crate::module::error::{InvalidPath, InvalidVersion};

/// A request path is for a module, but for one that cannot exist.
///
/// The message is the text for a 404: one line of printable ASCII of at most 200 bytes, whatever
/// was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTarget(pub(super) Fault);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Text(&'static str),
    Module(InvalidPath),
    Version(InvalidVersion),
}

impl fmt::Display for InvalidTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Fault::Text(text) => f.write_str(text),
            Fault::Module(error) => error.fmt(f),
            Fault::Version(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for InvalidTarget {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Fault::Text(_) => None,
            Fault::Module(error) => Some(error),
            Fault::Version(error) => Some(error),
        }
    }
}
