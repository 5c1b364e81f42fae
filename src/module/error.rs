//! What can be wrong with a module path or a version.

use std::fmt;

use super::limits;

/// A text is not the path of a module that can be downloaded.
///
/// The message names the rule that is broken. It is one short line of printable ASCII, whatever
/// the text was, so it can be shown to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPath(pub(crate) PathFault);

/// A text is not a version, or not one that its module can have.
///
/// The message names the rule that is broken. It is one short line of printable ASCII, whatever
/// the text was, so it can be shown to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidVersion(pub(crate) VersionFault);

/// The rules on paths of slash-separated elements: module paths, and file paths in a module zip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PathFault {
    Empty,
    TooLong,
    ElementTooLong,
    BadEscape,
    LeadingDash,
    DoubleSlash,
    TrailingSlash,
    EmptyElement,
    OnlyDots,
    LeadingDot,
    TrailingDot,
    Char(char),
    /// A name of at most four bytes, as it was written.
    Reserved(String),
    TildeDigits,
    FirstWithoutDot,
    FirstLeadingDash,
    FirstChar(char),
    MajorSuffix,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VersionFault {
    TooLong,
    BadEscape,
    NotSemver,
    NotCanonical,
    Query(PathFault),
    /// What the path asks for, and the major number of the version.
    Major {
        wanted: String,
        found: String,
    },
}

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "malformed module path: {}", self.0)
    }
}

impl fmt::Display for InvalidVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invalid version: {}", self.0)
    }
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty"),
            Self::TooLong => write!(f, "longer than {} bytes", limits::PATH),
            Self::ElementTooLong => {
                write!(f, "path element longer than {} bytes", limits::ELEMENT)
            }
            Self::BadEscape => f.write_str("not case-encoded (a capital X is written !x)"),
            Self::LeadingDash => f.write_str("leading dash"),
            Self::DoubleSlash => f.write_str("double slash"),
            Self::TrailingSlash => f.write_str("trailing slash"),
            Self::EmptyElement => f.write_str("empty path element"),
            Self::OnlyDots => f.write_str("invalid path element of dots alone"),
            Self::LeadingDot => f.write_str("leading dot in path element"),
            Self::TrailingDot => f.write_str("trailing dot in path element"),
            // Clients drop a text with a character that their tables do not call printable.
            Self::Char(c) => write!(f, "invalid char '{}'", c.escape_default()),
            Self::Reserved(name) => {
                write!(
                    f,
                    "\"{name}\" disallowed as path element component on Windows"
                )
            }
            Self::TildeDigits => f.write_str("trailing tilde and digits in path element"),
            Self::FirstWithoutDot => f.write_str("missing dot in first path element"),
            Self::FirstLeadingDash => f.write_str("leading dash in first path element"),
            Self::FirstChar(c) => {
                write!(
                    f,
                    "invalid char '{}' in first path element",
                    c.escape_default()
                )
            }
            Self::MajorSuffix => f.write_str("invalid version suffix"),
        }
    }
}

impl fmt::Display for VersionFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "longer than {} bytes", limits::VERSION),
            Self::BadEscape => f.write_str("not case-encoded (a capital X is written !x)"),
            Self::NotSemver => f.write_str("not a semantic version"),
            Self::NotCanonical => f.write_str("not canonical (want vX.Y.Z without metadata)"),
            Self::Query(fault) => fault.fmt(f),
            Self::Major { wanted, found } => {
                write!(f, "should be {}, not v{}", short(wanted), short(found))
            }
        }
    }
}

/// Major numbers have no bound; a message has.
fn short(number: &str) -> &str {
    number.get(..24).unwrap_or(number)
}

impl std::error::Error for InvalidPath {}
impl std::error::Error for InvalidVersion {}
