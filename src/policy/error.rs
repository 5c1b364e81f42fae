//! What can be wrong with a filter file.

use std::error::Error;
use std::fmt;
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
    Text(&'static str),
    Path(InvalidPath),
    Version(InvalidVersion),
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
            Self::Text(text) => f.write_str(text),
            Self::Path(error) => error.fmt(f),
            Self::Version(error) => error.fmt(f),
            Self::Repeated(first) => write!(f, "line {first} already has a rule for this"),
        }
    }
}

impl Error for ParseRulesError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
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
    pub(super) cause: Box<dyn Error + Send + Sync>,
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
        write!(f, "filter file {}: {}", self.path.display(), self.cause)
    }
}

impl Error for ReadRulesError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}
