//! Semantic versions as the go command reads them: a leading `v`, one to three numbers of any
//! size, and after a full triple a pre-release and build metadata (<https://semver.org>, 2.0.0).

use std::cmp::Ordering;

use super::cut::{before, pieces};
use super::decimal;
use super::escape::{Form, plain_bytes};

/// The parts of a semantic version. Missing numbers are `0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Semver<'a> {
    pub(crate) major: &'a str,
    pub(crate) minor: &'a str,
    pub(crate) patch: &'a str,
    /// Without its `-`; empty for a release.
    pub(crate) pre: &'a str,
    /// Without its `+`.
    pub(crate) build: &'a str,
    /// How many numbers were written: 1, 2 or 3.
    pub(crate) numbers: u8,
}

impl<'a> Semver<'a> {
    /// Parses a text of the given form; `None` when it is no semantic version.
    pub(crate) fn parse(text: &'a str, form: Form) -> Option<Self> {
        let (major, rest) = number(text.strip_prefix('v')?)?;
        let mut parts = Self {
            major,
            minor: "0",
            patch: "0",
            pre: "",
            build: "",
            numbers: 1,
        };
        if rest.is_empty() {
            return Some(parts);
        }
        let (minor, rest) = number(rest.strip_prefix('.')?)?;
        (parts.minor, parts.numbers) = (minor, 2);
        if rest.is_empty() {
            return Some(parts);
        }
        let (patch, mut rest) = number(rest.strip_prefix('.')?)?;
        (parts.patch, parts.numbers) = (patch, 3);
        if let Some(tail) = rest.strip_prefix('-') {
            (parts.pre, rest) = tail.split_at(before(tail, b'+').len());
            if !pieces(parts.pre, b'.').all(|id| is_identifier(id, form) && !has_leading_zero(id)) {
                return None;
            }
        }
        if let Some(build) = rest.strip_prefix('+') {
            parts.build = build;
            rest = "";
            if !pieces(build, b'.').all(|id| is_identifier(id, form)) {
                return None;
            }
        }
        rest.is_empty().then_some(parts)
    }

    /// Whether the text is the one spelling of a module version: three numbers, and no build
    /// metadata but `+incompatible` (<https://go.dev/ref/mod#canonical-version>).
    pub(crate) fn is_module_canonical(&self) -> bool {
        self.numbers == 3 && (self.build.is_empty() || self.is_incompatible())
    }

    pub(crate) fn is_incompatible(&self) -> bool {
        self.build == "incompatible"
    }

    /// The order of the three numbers alone.
    pub(crate) fn cmp_numbers(&self, other: &Semver<'_>) -> Ordering {
        decimal::compare(self.major, other.major)
            .then_with(|| decimal::compare(self.minor, other.minor))
            .then_with(|| decimal::compare(self.patch, other.patch))
    }

    /// Precedence of SemVer 2.0.0, section 11. Build metadata takes no part.
    pub(crate) fn cmp_precedence(&self, other: &Semver<'_>) -> Ordering {
        self.cmp_numbers(other)
            .then_with(|| compare_pre(self.pre, other.pre))
    }
}

fn number(text: &str) -> Option<(&str, &str)> {
    let end = text
        .bytes()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (!digits.is_empty() && !has_leading_zero(digits)).then_some((digits, rest))
}

fn is_numeric(identifier: &str) -> bool {
    identifier.bytes().all(|b| b.is_ascii_digit())
}

fn has_leading_zero(identifier: &str) -> bool {
    identifier.len() > 1 && identifier.starts_with('0') && is_numeric(identifier)
}

fn is_identifier(text: &str, form: Form) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || (b == b'!' && form == Form::Escaped))
}

fn compare_pre(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(l), Some(r)) => compare_identifiers(l, r),
        };
        if order.is_ne() {
            return order;
        }
    }
}

fn compare_identifiers(a: &str, b: &str) -> Ordering {
    match (is_numeric(a), is_numeric(b)) {
        (true, true) => decimal::compare(a, b),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => plain_bytes(a).cmp(plain_bytes(b)),
    }
}
