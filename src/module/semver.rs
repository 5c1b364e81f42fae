//! Semantic versions as the go command reads them: a leading `v`, one to three numbers of any
//! size, and after a full triple a pre-release and build metadata (<https://semver.org>, 2.0.0).

use std::cmp::Ordering;

use super::escape::unescaped;

/// The parts of a semantic version. Missing numbers are `0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Semver<'a> {
    pub(crate) major: &'a str,
    pub(crate) minor: &'a str,
    pub(crate) patch: &'a str,
    /// Without its `-`; empty for a release.
    pub(crate) pre: &'a str,
    /// Without its `+`.
    pub(crate) build: &'a str,
    /// How many numbers were written: 1, 2 or 3.
    pub(crate) numbers: usize,
}

impl<'a> Semver<'a> {
    /// Parses a text, which can be escaped; `None` when it is not a semantic version.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (text, build) = cut(text.strip_prefix('v')?, '+');
        let (core, pre) = cut(text, '-');
        let numbers = core.split('.').count();
        let whole = numbers == 3 || (numbers < 3 && pre.is_none() && build.is_none());
        let is_number = |id: &str| !id.is_empty() && is_numeric(id) && !has_leading_zero(id);
        let is_pre = |id: &str| is_identifier(id) && !has_leading_zero(id);
        let good = whole
            && core.split('.').all(is_number)
            && pre.is_none_or(|pre| pre.split('.').all(is_pre))
            && build.is_none_or(|build| build.split('.').all(is_identifier));
        let mut core = core.split('.');
        good.then_some(Self {
            major: core.next()?,
            minor: core.next().unwrap_or("0"),
            patch: core.next().unwrap_or("0"),
            pre: pre.unwrap_or_default(),
            build: build.unwrap_or_default(),
            numbers,
        })
    }

    /// Whether the text is the one spelling of a module version: three numbers, and no build
    /// metadata but `+incompatible` (<https://go.dev/ref/mod#canonical-version>).
    pub(crate) fn is_module_canonical(&self) -> bool {
        self.numbers == 3 && (self.build.is_empty() || self.is_incompatible())
    }

    pub(crate) fn is_incompatible(&self) -> bool {
        self.build == "incompatible"
    }

    /// Recognised by shape alone, as go does: the time need not exist, nor need the tagged version before the commit.
    pub(crate) fn is_pseudo(&self) -> bool {
        let parts = self.pre.rsplit_once('-').and_then(|(left, revision)| {
            let time = left.len().checked_sub("yyyymmddhhmmss".len())?;
            let (before, time) = left.split_at_checked(time)?;
            Some((before, time, revision))
        });
        parts.is_some_and(|(before, time, revision)| {
            let follows = match before {
                "" => [self.minor, self.patch] == ["0"; 2],
                _ => before == "0." || before.ends_with(".0."),
            };
            follows && is_numeric(time) && !revision.contains('.')
        })
    }

    /// The order of the three numbers alone.
    pub(crate) fn cmp_numbers(&self, other: &Semver<'_>) -> Ordering {
        self.triple().cmp(&other.triple())
    }

    fn triple(&self) -> [(usize, &str); 3] {
        [self.major, self.minor, self.patch].map(number)
    }

    /// Precedence of SemVer 2.0.0, section 11. Build metadata takes no part.
    pub(crate) fn cmp_precedence(&self, other: &Semver<'_>) -> Ordering {
        self.cmp_numbers(other)
            .then_with(|| compare_pre(self.pre, other.pre))
    }
}

fn cut(text: &str, at: char) -> (&str, Option<&str>) {
    match text.split_once(at) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn is_numeric(identifier: &str) -> bool {
    identifier.bytes().all(|b| b.is_ascii_digit())
}

fn has_leading_zero(identifier: &str) -> bool {
    identifier.len() > 1 && identifier.starts_with('0') && is_numeric(identifier)
}

/// In the escaped form a capital begins with a `!`.
fn is_identifier(text: &str) -> bool {
    let is_good = |b: u8| b.is_ascii_alphanumeric() || b"-!".contains(&b);
    !text.is_empty() && text.bytes().all(is_good)
}

/// How numbers compare. Semantic versions set no limit to one, and versions beyond 64 bits exist. Without leading zeros the
/// longer number is the larger one.
fn number(text: &str) -> (usize, &str) {
    (text.len(), text)
}

fn compare_pre(a: &str, b: &str) -> Ordering {
    // A release comes after its pre-releases.
    if a.is_empty() || b.is_empty() {
        return a.is_empty().cmp(&b.is_empty());
    }
    let pairs = a.split('.').zip(b.split('.'));
    let mut orders = pairs.map(|(a, b)| compare_identifiers(a, b));
    let different = orders.find(|order| order.is_ne());
    different.unwrap_or_else(|| a.split('.').count().cmp(&b.split('.').count()))
}

fn compare_identifiers(a: &str, b: &str) -> Ordering {
    match (is_numeric(a), is_numeric(b)) {
        (true, true) => number(a).cmp(&number(b)),
        (false, false) => unescaped(a).cmp(unescaped(b)),
        // Numbers come first.
        (is_left, is_right) => is_right.cmp(&is_left),
    }
}
