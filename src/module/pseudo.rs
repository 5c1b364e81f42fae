//! Pseudo-versions: names for commits that have no tag
//! (<https://go.dev/ref/mod#pseudo-versions>).

use std::borrow::Cow;

use super::decimal;
use super::error::{InvalidVersion, VersionFault};
use super::escape::{Form, unescape};
use super::semver::Semver;
use super::version::Version;

/// The parts of a pseudo-version, such as `v1.2.4-0.20240102030405-abcdef123456`.
///
/// Got from [`Version::pseudo`]. Recognised by shape alone, as go does: the time need not exist,
/// nor need the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PseudoVersion<'a> {
    parts: Semver<'a>,
    form: Form,
    origin: Origin<'a>,
    timestamp: &'a str,
    revision: &'a str,
}

/// What the version was derived from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin<'a> {
    /// `vX.0.0-time-rev`
    Nothing,
    /// `vX.Y.(Z+1)-0.time-rev`
    Release,
    /// `vX.Y.Z-pre.0.time-rev`
    PreRelease(&'a str),
}

impl<'a> PseudoVersion<'a> {
    pub(crate) fn parse(text: &'a str, form: Form) -> Option<Self> {
        let parts = Semver::parse(text, form)?;
        let (left, revision) = parts.pre.rsplit_once('-')?;
        let (before, timestamp) = left.split_at_checked(left.len().checked_sub(14)?)?;
        // A `!` is half a capital: one in a plain text is no semantic version.
        let in_revision = |b: u8| b.is_ascii_alphanumeric() || b == b'!';
        if !timestamp.bytes().all(|b| b.is_ascii_digit()) || !revision.bytes().all(in_revision) {
            return None;
        }
        let origin = match before {
            "" if [parts.minor, parts.patch] == ["0"; 2] => Origin::Nothing,
            "0." => Origin::Release,
            _ => Origin::PreRelease(before.strip_suffix(".0.")?),
        };
        Some(Self {
            parts,
            form,
            origin,
            timestamp,
            revision,
        })
    }

    /// The time of the commit as 14 digits, `yyyymmddhhmmss`, in UTC.
    #[must_use]
    pub fn timestamp(&self) -> &'a str {
        self.timestamp
    }

    /// The time of the commit in the form of RFC 3339, as `.info` files have it, or `None` when
    /// the calendar has no such time.
    #[must_use]
    pub fn time(&self) -> Option<String> {
        let field = |range: std::ops::Range<usize>| self.timestamp.get(range);
        let number = |range| field(range).and_then(|digits| digits.parse::<u16>().ok());
        let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 => 28 + u16::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let (hour, minute, second) = (number(8..10)?, number(10..12)?, number(12..14)?);
        ((1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60)
            .then(|| format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"))
    }

    /// The commit, in the words of its version control system: for git the first 12 hex digits.
    #[must_use]
    pub fn revision(&self) -> Cow<'a, str> {
        match self.form {
            Form::Plain => Cow::Borrowed(self.revision),
            Form::Escaped => unescape(self.revision),
        }
    }

    /// The tagged version before the commit, or `None` when there was none.
    ///
    /// # Errors
    ///
    /// When no version can be the base, as for `v1.0.0-0.20240102030405-abcdef123456`.
    pub fn base(&self) -> Result<Option<Version<'static>>, InvalidVersion> {
        match self.base_text()? {
            None => Ok(None),
            Some(text) => match self.form {
                Form::Plain => Version::new(text).map(Some),
                Form::Escaped => Version::from_escaped(text).map(Some),
            },
        }
    }

    pub(crate) fn base_text(&self) -> Result<Option<String>, InvalidVersion> {
        let Semver {
            major,
            minor,
            patch,
            build,
            ..
        } = self.parts;
        let plus = if build.is_empty() { "" } else { "+" };
        match self.origin {
            Origin::Nothing if build.is_empty() => Ok(None),
            Origin::Nothing => Err(InvalidVersion(VersionFault::NoBase)),
            Origin::Release => {
                let patch =
                    decimal::decrement(patch).ok_or(InvalidVersion(VersionFault::NoBase))?;
                Ok(Some(format!("v{major}.{minor}.{patch}{plus}{build}")))
            }
            Origin::PreRelease(pre) => {
                Ok(Some(format!("v{major}.{minor}.{patch}-{pre}{plus}{build}")))
            }
        }
    }
}

impl Version<'static> {
    /// The pseudo-version of a commit that has no tagged version before it, `v{major}.0.0-...`.
    ///
    /// `timestamp` is the commit's time in UTC as `yyyymmddhhmmss`; `revision` the first 12 hex
    /// digits of a git commit.
    ///
    /// ```
    /// # use tower_goproxy::module::Version;
    /// let version = Version::pseudo_untagged(0, "20240102030405", "abcdef123456")?;
    /// assert_eq!(version.escaped(), "v0.0.0-20240102030405-abcdef123456");
    /// # Ok::<(), tower_goproxy::module::InvalidVersion>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the timestamp is not 14 digits, or the revision not letters and digits.
    pub fn pseudo_untagged(
        major: u64,
        timestamp: &str,
        revision: &str,
    ) -> Result<Self, InvalidVersion> {
        assemble(&format!("v{major}.0.0-"), timestamp, revision, "")
    }

    /// The pseudo-version of a commit after the tagged version `older`.
    ///
    /// ```
    /// # use tower_goproxy::module::Version;
    /// let older = Version::new("v1.2.9")?;
    /// let version = Version::pseudo_after(&older, "20240102030405", "abcdef123456")?;
    /// assert_eq!(version.escaped(), "v1.2.10-0.20240102030405-abcdef123456");
    /// # Ok::<(), tower_goproxy::module::InvalidVersion>(())
    /// ```
    ///
    /// # Errors
    ///
    /// When the timestamp is not 14 digits, or the revision not letters and digits.
    pub fn pseudo_after(
        older: &Version<'_>,
        timestamp: &str,
        revision: &str,
    ) -> Result<Self, InvalidVersion> {
        let plain = older.unescaped();
        let (core, build) = match plain.find('+') {
            Some(at) => plain.split_at(at),
            None => (&*plain, ""),
        };
        let parts = older.parts();
        let head = if parts.pre.is_empty() {
            let patch = decimal::increment(parts.patch);
            format!("v{}.{}.{patch}-0.", parts.major, parts.minor)
        } else {
            format!("{core}.0.")
        };
        assemble(&head, timestamp, revision, build)
    }
}

fn assemble(
    head: &str,
    timestamp: &str,
    revision: &str,
    build: &str,
) -> Result<Version<'static>, InvalidVersion> {
    if timestamp.len() != 14 || !timestamp.bytes().all(|b| b.is_ascii_digit()) {
        return Err(InvalidVersion(VersionFault::Timestamp));
    }
    if revision.is_empty() || !revision.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(InvalidVersion(VersionFault::Revision));
    }
    Version::new(format!("{head}{timestamp}-{revision}{build}"))
}
