//! The version of a module.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use super::error::{InvalidVersion, NOT_ESCAPED};
use super::escape::{escape, is_escaped, unescape};
use super::limits;
use super::path::ModulePath;
use super::semver::Semver;
use super::suffix;

/// A canonical version: `v1.2.3`, `v1.2.3-rc.1`, `v0.0.0-20240102030405-abcdef123456`,
/// `v2.0.0+incompatible`.
///
/// Such a version names the same bytes for ever. A text that go resolves to one first, such as
/// `v1`, `v1.2.3+meta` or `main`, is a query and not of this type
/// (<https://go.dev/ref/mod#canonical-version>).
///
/// The order is SemVer precedence, in which pre-releases and pseudo-versions come before their
/// release; `v2.0.0` and `v2.0.0+incompatible`, which have equal precedence, are ordered by their
/// text. Numbers have no upper bound. A version is at most 250 bytes long when escaped, so that
/// `{version}.info` is a file name everywhere.
///
/// ```
/// use tower_goproxy::module::Version;
///
/// let rc = Version::from_escaped("v1.0.0-!r!c1")?;
/// assert_eq!(rc.unescaped(), "v1.0.0-RC1");
/// assert!(rc < Version::new("v1.0.0")?);
/// assert!(Version::new("v10.0.0")? > Version::new("v9.0.0")?);
/// assert!(Version::new("v1.0").is_err());
/// # Ok::<(), tower_goproxy::module::InvalidVersion>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Version<'a> {
    escaped: Cow<'a, str>,
}

impl<'a> Version<'a> {
    /// Checks a version as it stands in a `go.mod`. Allocates only when it has a capital.
    ///
    /// # Errors
    ///
    /// If the text is not a semantic version, not canonical, or too long.
    pub fn new(version: impl Into<Cow<'a, str>>) -> Result<Self, InvalidVersion> {
        Self::from_escaped(escape(version.into()).map_err(InvalidVersion)?)
    }

    /// Checks a version as it stands in a URL, percent-decoded: `!x` for a capital `X`.
    /// Does not allocate.
    ///
    /// # Errors
    ///
    /// If the text is not a semantic version, not canonical, or too long; a capital is an error here.
    pub fn from_escaped(escaped: impl Into<Cow<'a, str>>) -> Result<Self, InvalidVersion> {
        let escaped = escaped.into();
        parts_of_escaped(&escaped)?;
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

    /// The form for people, `go.mod`, `go.sum` and the names inside a zip. Borrows when the version has no capital.
    #[must_use]
    pub fn unescaped(&self) -> Cow<'_, str> {
        unescape(&self.escaped)
    }

    /// Whether there is a pre-release part, as every pseudo-version has.
    ///
    /// ```
    /// # use tower_goproxy::module::Version;
    /// assert!(Version::new("v1.0.0-rc.1")?.is_prerelease());
    /// assert!(!Version::new("v2.0.0+incompatible")?.is_prerelease());
    /// # Ok::<(), tower_goproxy::module::InvalidVersion>(())
    /// ```
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        !self.parts().pre.is_empty()
    }

    /// Whether the version ends in `+incompatible`: major 2 or higher of a module without a
    /// `go.mod` (<https://go.dev/ref/mod#incompatible-versions>).
    #[must_use]
    pub fn is_incompatible(&self) -> bool {
        self.parts().is_incompatible()
    }

    /// Whether this is a pseudo-version: a commit without a tag (<https://go.dev/ref/mod#pseudo-versions>).
    ///
    /// ```
    /// # use tower_goproxy::module::Version;
    /// assert!(Version::new("v1.2.4-0.20240102030405-abcdef123456")?.is_pseudo());
    /// # Ok::<(), tower_goproxy::module::InvalidVersion>(())
    /// ```
    #[must_use]
    pub fn is_pseudo(&self) -> bool {
        self.parts().is_pseudo()
    }

    /// A copy that borrows nothing.
    #[must_use]
    pub fn into_owned(self) -> Version<'static> {
        Version {
            escaped: Cow::Owned(self.escaped.into_owned()),
        }
    }

    pub(crate) fn parts(&self) -> Semver<'_> {
        // Every constructor has parsed this text.
        Semver::parse(&self.escaped).unwrap_or_default()
    }
}

impl PartialOrd for Version<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let precedence = self.parts().cmp_precedence(&other.parts());
        precedence.then_with(|| self.escaped.cmp(&other.escaped))
    }
}

impl fmt::Display for Version<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.unescaped())
    }
}

/// Whether `module` can have `version`: the major version must fit the path
/// (<https://go.dev/ref/mod#major-version-suffixes>).
///
/// ```
/// use tower_goproxy::module::{ModulePath, Version, check};
///
/// let module = ModulePath::new("example.com/m")?;
/// assert!(check(&module, &Version::new("v1.5.0")?).is_ok());
/// assert!(check(&module, &Version::new("v2.0.0+incompatible")?).is_ok());
/// let error = check(&module, &Version::new("v2.0.0")?).unwrap_err();
/// assert_eq!(error.to_string(), "invalid version: should be v0 or v1, not v2");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When the major version does not fit; the error names both.
pub fn check(module: &ModulePath<'_>, version: &Version<'_>) -> Result<(), InvalidVersion> {
    fits(module, &version.parts())
}

/// Whether this is the escaped form of a version that `module` can have.
pub(crate) fn check_fits(module: &ModulePath<'_>, escaped: &str) -> Result<(), InvalidVersion> {
    fits(module, &parts_of_escaped(escaped)?)
}

fn fits(module: &ModulePath<'_>, parts: &Semver<'_>) -> Result<(), InvalidVersion> {
    suffix::admits(module.major_suffix(), parts).map_err(InvalidVersion)
}

fn parts_of_escaped(escaped: &str) -> Result<Semver<'_>, InvalidVersion> {
    check_length(escaped)?;
    let invalid = |fault| Err(InvalidVersion(fault));
    match Semver::parse(escaped) {
        None => invalid("not a semantic version".into()),
        Some(_) if !is_escaped(escaped) => invalid(NOT_ESCAPED),
        Some(parts) if !parts.is_module_canonical() => {
            invalid("not canonical (want vX.Y.Z without metadata)".into())
        }
        Some(parts) => Ok(parts),
    }
}

pub(crate) fn check_length(escaped: &str) -> Result<(), InvalidVersion> {
    match escaped.len() > limits::VERSION {
        true => Err(InvalidVersion(
            format!("longer than {} bytes", limits::VERSION).into(),
        )),
        false => Ok(()),
    }
}
