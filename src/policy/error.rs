//! What can be wrong with a filter file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::module::error::{InvalidPath, InvalidVersion};

/// A filter file says something that has no meaning, or not one meaning alone.
///
/// The message gives the place, the cause and the text at fault:
///
/// ```
/// use tower_goproxy::policy::Rules;
///
/// let error = Rules::parse("-\n+ example.com/m =v1.2.3\n").unwrap_err();
/// assert_eq!((error.line(), error.column()), (2, 17));
/// assert_eq!(
///     error.to_string(),
///     "line 2, column 17: unknown operator, want ~ ^ or <: \"=v1.2.3\""
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseRulesError {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) text: String,
    pub(super) fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    UnknownSign,
    TooManyFields,
    MissingPath,
    MissingHost,
    Path(InvalidPath),
    EmptyItem,
    UnknownOperator,
    NotThreeNumbers,
    NotAVersion,
    Version(InvalidVersion),
    Star,
    /// With the line of the first one.
    Repeated(usize),
}

impl ParseRulesError {
    /// The line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The character in the line, counted from 1; a tab is one character.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }

    /// The text at fault.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ParseRulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            line,
            column,
            text,
            fault,
        } = self;
        write!(f, "line {line}, column {column}: {fault}: {text:?}")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSign => {
                f.write_str("unknown sign, want + - D or ignore-case, and a blank")
            }
            Self::TooManyFields => {
                f.write_str("unexpected text, want SIGN PATH VERSIONS with no blank in VERSIONS")
            }
            Self::MissingPath => f.write_str("a version without a module path before it"),
            Self::MissingHost => f.write_str("ignore-case needs a host, without a path"),
            Self::Path(error) => error.fmt(f),
            Self::EmptyItem => f.write_str("empty item in the list of versions"),
            Self::UnknownOperator => f.write_str("unknown operator, want ~ ^ or <"),
            Self::NotThreeNumbers => {
                f.write_str("~ ^ and < need three numbers and nothing else, as in ~v1.2.3")
            }
            Self::NotAVersion => f.write_str("not a version, want v1, v1.2 or v1.2.3"),
            Self::Version(error) => error.fmt(f),
            Self::Star => f.write_str("a * can only be the last number, as in v1.* or v1.2.*"),
            Self::Repeated(first) => write!(f, "line {first} already has a rule for this"),
        }
    }
}

impl std::error::Error for ParseRulesError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.fault {
            Fault::Path(error) => Some(error),
            Fault::Version(error) => Some(error),
            _ => None,
        }
    }
}

/// A filter file cannot be used. The message names the file and the cause.
#[derive(Debug)]
pub struct ReadRulesError {
    pub(super) path: PathBuf,
    pub(super) cause: Cause,
}

#[derive(Debug)]
pub(super) enum Cause {
    Io(io::Error),
    /// With the line of the first bad byte.
    NotUtf8(usize),
    Parse(ParseRulesError),
}

impl ReadRulesError {
    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl fmt::Display for ReadRulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "filter file {}: ", self.path.display())?;
        match &self.cause {
            Cause::Io(error) => error.fmt(f),
            Cause::NotUtf8(line) => write!(f, "line {line}: not UTF-8"),
            Cause::Parse(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ReadRulesError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.cause {
            Cause::Io(error) => Some(error),
            Cause::Parse(error) => Some(error),
            Cause::NotUtf8(_) => None,
        }
    }
}
