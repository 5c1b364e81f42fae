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
    PercentEncoding,
    NotUtf8,
    Module(InvalidPath),
    Version(InvalidVersion),
    UnknownResource,
    /// `latest`, `upgrade` or `patch`: words of the go command that no repository is asked for.
    WordOfGo(&'static str),
    /// `.mod` and `.zip` of what is a query, with the reason why it is not a version of the module.
    NotAVersion(InvalidVersion),
}

impl fmt::Display for InvalidTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Fault::PercentEncoding => f.write_str("malformed percent-encoding"),
            Fault::NotUtf8 => f.write_str("path is not UTF-8"),
            Fault::Module(error) => error.fmt(f),
            Fault::Version(error) | Fault::NotAVersion(error) => error.fmt(f),
            Fault::UnknownResource => {
                f.write_str("unknown resource (want list, or a version with .info, .mod or .zip)")
            }
            Fault::WordOfGo(word) => {
                write!(
                    f,
                    "invalid version: \"{word}\" is resolved by the go command"
                )
            }
        }
    }
}

impl std::error::Error for InvalidTarget {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0 {
            Fault::Module(error) => Some(error),
            Fault::Version(error) | Fault::NotAVersion(error) => Some(error),
            _ => None,
        }
    }
}
