//! Version queries: branches, commits and parts of versions.

use super::element::{Kind, check_elements};
use super::error::{InvalidVersion, PathFault, VersionFault};
use super::escape::{Form, is_escaped};
use super::version::check_length;

/// Checks the escaped form of a version query.
///
/// A query can be any file name of ASCII without a slash or `!`: `main`, `v1`, `a b`, `a@b`. The go command sends no
/// others to a proxy, so a branch `feature/x` cannot be requested.
pub(crate) fn check_escaped_query(escaped: &str) -> Result<(), InvalidVersion> {
    check_length(escaped)?;
    if !is_escaped(escaped) {
        return Err(InvalidVersion(VersionFault::BadEscape));
    }
    let checked = match escaped.contains('/') {
        true => Err(PathFault::Char('/')),
        false => check_elements(escaped, Kind::Query, Form::Escaped),
    };
    checked.map_err(|fault| InvalidVersion(VersionFault::Query(fault)))
}
