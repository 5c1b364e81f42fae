//! Which versions a rule is about.

use super::error::Fault;
use crate::module::semver::Semver;
use crate::module::version::Version;

/// One item of the list behind a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Qualifier {
    /// `v1`
    Major(Box<str>),
    /// `v1.2`
    Minor([Box<str>; 2]),
    /// `v1.2.3`, or any other canonical version
    Exact(Version<'static>),
    /// `~v1.2.3`
    Patches([Box<str>; 3]),
    /// `^v1.2.3`
    Compatible([Box<str>; 3]),
    /// `<v1.2.3`
    Below([Box<str>; 3]),
}

impl Qualifier {
    pub(super) fn parse(item: &str) -> Result<Self, Fault> {
        let operand = item.trim_start_matches(['<', '>', '=', '~', '^', '!']);
        let operator = &item[..item.len() - operand.len()];
        match operator {
            _ if item.is_empty() => Err(Fault::Text("empty item in the list of versions")),
            "" if item.contains('*') => starred(item),
            "" => plain(item),
            "~" => triple(operand).map(Self::Patches),
            "^" => triple(operand).map(Self::Compatible),
            "<" => triple(operand).map(Self::Below),
            _ => Err(Fault::Text("unknown operator, want ~ ^ or <")),
        }
    }

    pub(super) fn matches(&self, version: &Semver<'_>) -> bool {
        match self {
            Self::Major(major) => version.major == &**major,
            Self::Minor([major, minor]) => version.major == &**major && version.minor == &**minor,
            Self::Exact(exact) => {
                let exact = exact.parts();
                exact == *version
                    || (!exact.is_incompatible() && exact.cmp_precedence(version).is_eq())
            }
            Self::Patches(bound) => {
                let bound = release(bound);
                version.major == bound.major
                    && version.minor == bound.minor
                    && version.cmp_numbers(&bound).is_ge()
            }
            Self::Compatible(bound) => {
                let bound = release(bound);
                version.major == bound.major && version.cmp_numbers(&bound).is_ge()
            }
            Self::Below(bound) => version.cmp_precedence(&release(bound)).is_lt(),
        }
    }
}

fn release([major, minor, patch]: &[Box<str>; 3]) -> Semver<'_> {
    Semver {
        major,
        minor,
        patch,
        ..Semver::default()
    }
}

/// `v1`, `v1.2`, or a whole version.
fn plain(item: &str) -> Result<Qualifier, Fault> {
    let parts = Semver::parse(item);
    let parts = parts.ok_or(Fault::Text("not a version, want v1, v1.2 or v1.2.3"))?;
    match parts.numbers {
        1 => Ok(Qualifier::Major(parts.major.into())),
        2 => Ok(Qualifier::Minor([parts.major.into(), parts.minor.into()])),
        _ => {
            let version = Version::new(item).map_err(Fault::Version)?;
            Ok(Qualifier::Exact(version.into_owned()))
        }
    }
}

/// `v1.*` and `v1.2.*`. In `v1.2*` the star could stand for more digits, and everywhere else it
/// could stand for anything.
fn starred(item: &str) -> Result<Qualifier, Fault> {
    match item.strip_suffix(".*").map(plain) {
        Some(Ok(qualifier @ (Qualifier::Major(_) | Qualifier::Minor(_)))) => Ok(qualifier),
        _ => Err(Fault::Text(
            "a * can only be the last number, as in v1.* or v1.2.*",
        )),
    }
}

/// The operand of `~`, `^` and `<`, which may leave out the `v`.
fn triple(operand: &str) -> Result<[Box<str>; 3], Fault> {
    let digits = operand.strip_prefix('v').unwrap_or(operand);
    let text = format!("v{digits}");
    match Semver::parse(&text) {
        Some(parts) if parts.numbers == 3 && parts.pre.is_empty() && parts.build.is_empty() => {
            Ok([parts.major, parts.minor, parts.patch].map(Into::into))
        }
        _ => Err(Fault::Text(
            "~ ^ and < need three numbers and nothing else, as in ~v1.2.3",
        )),
    }
}
