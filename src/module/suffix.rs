//! The major version at the end of a module path, and which versions it admits
//! (<https://go.dev/ref/mod#major-version-suffixes>).

use super::error::Fault;
use super::semver::Semver;

/// Splits `path` before its major suffix: `/v2`, or `.v2` under `gopkg.in`, which may be followed
/// by `-unstable`. `None` when what is there only looks like one, such as `/v1` or `/v02`.
pub(crate) fn split(path: &str) -> Option<(&str, &str)> {
    if path.starts_with("gopkg.in/") {
        return split_gopkg_in(path);
    }
    let tail = path.rsplit('/').next().unwrap_or_default();
    let number = tail.strip_prefix('v').unwrap_or_default();
    let is_digit_or_dot = |b: u8| b.is_ascii_digit() || b == b'.';
    if number.is_empty() || tail == path || !number.bytes().all(is_digit_or_dot) {
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
pub(crate) fn admits(suffix: &str, version: &Semver<'_>) -> Result<(), Fault> {
    let wanted = suffix.strip_suffix("-unstable").unwrap_or(suffix);
    let numbers = [version.major, version.minor, version.patch];
    let is_admitted = match wanted {
        "" => matches!(version.major, "0" | "1") || version.is_incompatible(),
        // Pseudo-versions from before go knew the rule, still in many go.mod files.
        ".v1" if numbers == ["0"; 3] && !version.pre.is_empty() => true,
        // After `/v` or `.v`.
        _ => wanted.get(2..) == Some(version.major),
    };
    if is_admitted {
        return Ok(());
    }
    let wanted = match wanted.get(1..) {
        Some(wanted) => short(wanted),
        None => "v0 or v1",
    };
    Err(format!("should be {wanted}, not v{}", short(version.major)).into())
}

/// Major numbers have no bound; a message has.
fn short(number: &str) -> &str {
    number.get(..24).unwrap_or(number)
}
