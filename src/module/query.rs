//! Version queries: branches, commits and parts of versions.

use super::element::{Kind, check_elements};
use super::error::{InvalidVersion, NOT_ESCAPED, invalid_char};
use super::escape::is_escaped;
use super::version::check_length;

/// Checks the escaped form of a version query.
///
/// A query can be any file name of ASCII without a slash or `!`: `main`, `v1`, `a b`, `a@b`. The go command sends no
/// others to a proxy, so a branch `feature/x` cannot be requested.
pub(crate) fn check_escaped_query(escaped: &str) -> Result<(), InvalidVersion> {
    check_length(escaped)?;
    let checked = match escaped {
        _ if !is_escaped(escaped) => Err(NOT_ESCAPED),
        _ if escaped.contains('/') => Err(invalid_char('/')),
        _ => check_elements(escaped, Kind::Query),
    };
    checked.map_err(InvalidVersion)
}
