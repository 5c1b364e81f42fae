//! What can be wrong with a module path or a version.

use std::borrow::Cow;
use std::fmt;

/// A text is not the path of a module that can be downloaded.
///
/// The message names the rule that is broken. It is one short line of printable ASCII, whatever
/// the text was, so it can be shown to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPath(pub(crate) Fault);

/// A text is not a version, or not one that its module can have.
///
/// The message names the rule that is broken. It is one short line of printable ASCII, whatever
/// the text was, so it can be shown to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidVersion(pub(crate) Fault);

/// Names the rule that is broken.
pub(crate) type Fault = Cow<'static, str>;

/// A fault of paths and of versions.
pub(super) const NOT_ESCAPED: Fault =
    Fault::Borrowed("not case-encoded (a capital X is written !x)");

/// Clients drop a text with a character that their tables do not call printable.
pub(super) fn invalid_char(char: char) -> Fault {
    format!("invalid char '{}'", char.escape_default()).into()
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

impl std::error::Error for InvalidPath {}
impl std::error::Error for InvalidVersion {}
