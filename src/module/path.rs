//! The path of a module.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::element::{Kind, check_elements};
use super::error::{InvalidPath, PathFault};
use super::escape::{Form, escape, is_escaped, plain_bytes, unescape};
use super::{limits, suffix};

/// The path of a module that can be downloaded, such as `github.com/BurntSushi/toml`.
///
/// A value is always a valid path, so it can become a URL or a file name without another look. It
/// keeps the escaped form, in which requests and storage name it: checking and reading a request's
/// path allocates nothing.
///
/// The rules are those of `CheckPath` in
/// [golang.org/x/mod/module](https://pkg.go.dev/golang.org/x/mod/module#CheckPath), and two limits
/// that Go does not have: the escaped path is at most 2,048 bytes long, each element of it at most 255.
///
/// The order is that of the escaped form, byte by byte.
///
/// ```
/// use tower_goproxy::module::ModulePath;
///
/// let path = ModulePath::from_escaped("github.com/!burnt!sushi/toml")?;
/// assert_eq!(path.unescaped(), "github.com/BurntSushi/toml");
/// assert_eq!(path, ModulePath::new("github.com/BurntSushi/toml")?);
/// assert!(ModulePath::new("github.com/../etc").is_err());
/// # Ok::<(), tower_goproxy::module::InvalidPath>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModulePath<'a> {
    escaped: Cow<'a, str>,
}

impl<'a> ModulePath<'a> {
    /// Checks a path as it stands in a `go.mod`. Allocates only when it has a capital.
    ///
    /// # Errors
    ///
    /// When the text breaks a rule, which the error names.
    pub fn new(path: impl Into<Cow<'a, str>>) -> Result<Self, InvalidPath> {
        let path = path.into();
        check(&path, Form::Plain)?;
        let escaped = escape(path);
        check_lengths(&escaped)?;
        Ok(Self { escaped })
    }

    /// Checks a path as it stands in a URL, percent-decoded: `!x` for a capital `X`.
    /// Does not allocate.
    ///
    /// # Errors
    ///
    /// When the text breaks a rule, which the error names; a capital is an error here.
    pub fn from_escaped(escaped: impl Into<Cow<'a, str>>) -> Result<Self, InvalidPath> {
        let escaped = escaped.into();
        check_lengths(&escaped)?;
        if !is_escaped(&escaped) {
            return Err(InvalidPath(PathFault::BadEscape));
        }
        check(&escaped, Form::Escaped)?;
        Ok(Self { escaped })
    }

    /// For texts that a constructor has already accepted.
    pub(crate) fn trusted(escaped: &'a str) -> Self {
        Self {
            escaped: Cow::Borrowed(escaped),
        }
    }

    /// The form for URLs and storage keys.
    #[must_use]
    pub fn escaped(&self) -> &str {
        &self.escaped
    }

    /// The form for people, `go.mod`, `go.sum` and the names inside a zip. Borrows when the path has no capital.
    #[must_use]
    pub fn unescaped(&self) -> Cow<'_, str> {
        unescape(&self.escaped)
    }

    /// Whether this is the module with the path `prefix`, or one below it: by whole elements, in the form of a `go.mod`.
    /// Case matters, a slash at the end of `prefix` does not, and an empty `prefix` contains every module.
    ///
    /// ```
    /// # use tower_goproxy::module::ModulePath;
    /// let path = ModulePath::new("github.com/BurntSushi/toml")?;
    /// assert!(path.is_within("github.com/BurntSushi"));
    /// assert!(!path.is_within("github.com/Burnt"));
    /// assert!(!path.is_within("github.com/burntsushi"));
    /// # Ok::<(), tower_goproxy::module::InvalidPath>(())
    /// ```
    #[must_use]
    pub fn is_within(&self, prefix: &str) -> bool {
        let prefix = prefix.trim_end_matches('/');
        let mut path = plain_bytes(&self.escaped);
        prefix.is_empty()
            || (prefix.bytes().all(|byte| path.next() == Some(byte))
                && matches!(path.next(), None | Some(b'/')))
    }

    /// The part of the path that fixes the major version, such as `/v2`, or `.v2` under `gopkg.in`
    /// (<https://go.dev/ref/mod#major-version-suffixes>).
    pub(crate) fn major_suffix(&self) -> Option<&str> {
        suffix::split(&self.escaped)
            .map(|(_, suffix)| suffix)
            .filter(|suffix| !suffix.is_empty())
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> ModulePath<'static> {
        ModulePath {
            escaped: Cow::Owned(self.escaped.into_owned()),
        }
    }
}

impl fmt::Display for ModulePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.unescaped())
    }
}

impl FromStr for ModulePath<'static> {
    type Err = InvalidPath;

    /// As [`ModulePath::new`].
    fn from_str(path: &str) -> Result<Self, InvalidPath> {
        ModulePath::new(path).map(ModulePath::into_owned)
    }
}

/// Checks the first elements of a path: all rules but the one on the major suffix, which only the
/// end of a path has.
pub(crate) fn check_prefix(path: &str, form: Form) -> Result<(), InvalidPath> {
    check_elements(path, Kind::Module, form)
        .and_then(|()| check_first(path))
        .map_err(InvalidPath)
}

/// Checks the lengths of an escaped path.
pub(crate) fn check_lengths(escaped: &str) -> Result<(), InvalidPath> {
    if escaped.len() > limits::PATH {
        return Err(InvalidPath(PathFault::TooLong));
    }
    if escaped
        .split('/')
        .any(|element| element.len() > limits::ELEMENT)
    {
        return Err(InvalidPath(PathFault::ElementTooLong));
    }
    Ok(())
}

fn check(path: &str, form: Form) -> Result<(), InvalidPath> {
    check_prefix(path, form)?;
    match suffix::split(path) {
        Some(_) => Ok(()),
        None => Err(InvalidPath(PathFault::MajorSuffix)),
    }
}

/// The first element is a host name.
fn check_first(path: &str) -> Result<(), PathFault> {
    let first = path.split_once('/').map_or(path, |(first, _)| first);
    if !first.contains('.') {
        return Err(PathFault::FirstWithoutDot);
    }
    if first.starts_with('-') {
        return Err(PathFault::FirstLeadingDash);
    }
    let good = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '.');
    match first.chars().find(|&c| !good(c)) {
        Some(bad) => Err(PathFault::FirstChar(bad)),
        None => Ok(()),
    }
}
