//! The major version at the end of a module path, and which versions it admits
//! (<https://go.dev/ref/mod#major-version-suffixes>).

use super::error::VersionFault;
use super::semver::Semver;

/// Splits `path` before its major suffix: `/v2`, or `.v2` under `gopkg.in`, which may be followed
/// by `-unstable`. `None` when what is there only looks like one, such as `/v1` or `/v02`.
pub(crate) fn split(path: &str) -> Option<(&str, &str)> {
    if path.starts_with("gopkg.in/") {
        return split_gopkg_in(path);
    }
    let tail = path.rsplit_once('/').map_or(path, |(_, tail)| tail);
    let Some(number) = tail.strip_prefix('v') else {
        return Some((path, ""));
    };
    let looks_like_one = !number.is_empty()
        && tail.len() < path.len()
        && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !looks_like_one {
        return Some((path, ""));
    }
    let good = !number.contains('.') && !number.starts_with('0') && number != "1";
    good.then(|| path.split_at(path.len() - tail.len() - 1))
}

fn split_gopkg_in(path: &str) -> Option<(&str, &str)> {
    let stable = path.strip_suffix("-unstable").unwrap_or(path);
    let head = stable.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &stable[head.len()..];
    let prefix = head.strip_suffix(".v")?;
    let zero = number == "0" && stable.len() == path.len();
    let good = zero || !(number.is_empty() || number.starts_with('0'));
    good.then(|| path.split_at(prefix.len()))
}

/// Whether a module with this major suffix can have this version.
pub(crate) fn admits(suffix: &str, version: &Semver<'_>) -> Result<(), VersionFault> {
    let Some(wanted) = suffix.strip_prefix(['/', '.']) else {
        let fine = matches!(version.major, "0" | "1") || version.is_incompatible();
        return if fine {
            Ok(())
        } else {
            Err(wrong_major("v0 or v1", version))
        };
    };
    let wanted = wanted.strip_suffix("-unstable").unwrap_or(wanted);
    // Pseudo-versions from before go knew the rule, still in many go.mod files.
    let early = suffix.starts_with('.')
        && wanted == "v1"
        && !version.pre.is_empty()
        && [version.major, version.minor, version.patch] == ["0"; 3];
    if early || wanted.strip_prefix('v') == Some(version.major) {
        Ok(())
    } else {
        Err(wrong_major(wanted, version))
    }
}

fn wrong_major(wanted: &str, version: &Semver<'_>) -> VersionFault {
    VersionFault::Major {
        wanted: wanted.to_owned(),
        found: version.major.to_owned(),
    }
}
