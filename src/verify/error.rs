use std::error::Error;
use std::fmt;
use std::io;

use ::zip::result::ZipError;

use crate::info::Ambiguous;

/// Why a file of a source is not what it was asked for.
#[derive(Debug)]
pub(crate) enum Rejected {
    /// An `.info` is no JSON object.
    NoObject(serde_json::Error),
    Ambiguous(Ambiguous),
    NoVersion,
    OtherVersion(String),
    /// A field of an `.info` has a value that the go command does not take.
    Malformed(&'static str),
    /// A `.mod` has no module line.
    NoModule,
    /// A `.zip` does not open.
    NoZip(ZipError),
    /// The list of a zip's files is longer than any that was ever seen.
    TooManyFiles,
    /// A file in a zip does not belong to the version.
    Outside {
        prefix: String,
        name: Vec<u8>,
    },
    /// The bytes cannot be read back.
    Unreadable(io::Error),
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoObject(error) => write!(f, ".info is no JSON object: {error}"),
            Self::Ambiguous(error) => write!(f, ".info is ambiguous: {error}"),
            Self::NoVersion => f.write_str(".info names no version"),
            Self::OtherVersion(version) => write!(f, ".info names another version: {version:?}"),
            Self::Malformed(field) => write!(f, ".info has a malformed {field}"),
            Self::NoModule => f.write_str(".mod declares no module"),
            Self::NoZip(error) => write!(f, ".zip does not open: {error}"),
            Self::TooManyFiles => f.write_str(".zip has too many files"),
            Self::Outside { prefix, name } => {
                let name = String::from_utf8_lossy(name);
                write!(f, ".zip has a file outside of {prefix}: {name:?}")
            }
            Self::Unreadable(error) => write!(f, "the file cannot be read back: {error}"),
        }
    }
}

impl Error for Rejected {}
