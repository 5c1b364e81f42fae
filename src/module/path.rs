//! The path of a module.

use std::borrow::Cow;
use std::fmt;

use super::element::{Kind, check_elements};
use super::error::{Fault, InvalidPath, NOT_ESCAPED, invalid_char};
use super::escape::{escape, is_escaped, unescape, unescaped};
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
        escape(path.into()).and_then(checked).map_err(InvalidPath)
    }

    /// Checks a path as it stands in a URL, percent-decoded: `!x` for a capital `X`.
    /// Does not allocate.
    ///
    /// # Errors
    ///
    /// When the text breaks a rule, which the error names; a capital is an error here.
    pub fn from_escaped(escaped: impl Into<Cow<'a, str>>) -> Result<Self, InvalidPath> {
        let escaped = escaped.into();
        match is_escaped(&escaped) {
            true => checked(escaped).map_err(InvalidPath),
            false => Err(InvalidPath(NOT_ESCAPED)),
        }
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
        let mut path = unescaped(&self.escaped);
        prefix.is_empty()
            || (prefix.chars().all(|char| path.next() == Some(char))
                && matches!(path.next(), None | Some('/')))
    }

    /// The part of the path that fixes the major version, such as `/v2`, or `.v2` under `gopkg.in`
    /// (<https://go.dev/ref/mod#major-version-suffixes>). Most paths have none.
    pub(crate) fn major_suffix(&self) -> &str {
        suffix::split(&self.escaped).map_or("", |(_, suffix)| suffix)
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

fn checked(escaped: Cow<'_, str>) -> Result<ModulePath<'_>, Fault> {
    check_prefix(&escaped)?;
    match suffix::split(&escaped) {
        Some(_) => Ok(ModulePath { escaped }),
        None => Err("invalid version suffix".into()),
    }
}

/// Checks the first elements of an escaped path: all rules but the one on the major suffix, which only the
/// end of a path has.
pub(crate) fn check_prefix(escaped: &str) -> Result<(), Fault> {
    if escaped.len() > limits::PATH {
        return Err(format!("longer than {} bytes", limits::PATH).into());
    }
    check_elements(escaped, Kind::Module)?;
    // The first element is a host name.
    let host = escaped.split('/').next().unwrap_or_default();
    if !host.contains('.') {
        return Err("missing dot in first path element".into());
    }
    let is_good = |c: &char| matches!(c, 'a'..='z' | '0'..='9' | '-' | '.');
    match unescaped(host).find(|c| !is_good(c)) {
        Some(bad) => Err(format!("{} in first path element", invalid_char(bad)).into()),
        None => Ok(()),
    }
}
