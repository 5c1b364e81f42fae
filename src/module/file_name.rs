//! File names: those inside a module zip, and those that a version query becomes on disk.

use std::borrow::Cow;

use super::element::{Kind, check_elements};
use super::error::{InvalidVersion, PathFault, VersionFault};
use super::escape::{Form, escape, is_escaped, unescape};
use super::version::check_length;

/// Writes a version query, such as a branch name, in the form for URLs. Borrows when it has no capital.
///
/// A query can be all that is a file name of ASCII without a slash or `!`: `main`, `v1`, `a b`,
/// `a@b`. The go command sends no others to a proxy, so a branch `feature/x` cannot be asked for.
///
/// ```
/// use tower_goproxy::module::{escape_query, unescape_query};
///
/// assert_eq!(escape_query("HEAD")?, "!h!e!a!d");
/// assert_eq!(unescape_query("!h!e!a!d")?, "HEAD");
/// assert!(escape_query("feature/x").is_err());
/// # Ok::<(), tower_goproxy::module::InvalidVersion>(())
/// ```
///
/// # Errors
///
/// When the text cannot be asked for, or is longer than 250 bytes when escaped.
pub fn escape_query(query: &str) -> Result<Cow<'_, str>, InvalidVersion> {
    check_query(query, Form::Plain)?;
    let escaped = escape(Cow::Borrowed(query));
    check_length(&escaped)?;
    Ok(escaped)
}

/// Undoes [`escape_query`]. Borrows when the query has no capital.
///
/// # Errors
///
/// When the text is not escaped, cannot be asked for, or is longer than 250 bytes.
pub fn unescape_query(escaped: &str) -> Result<Cow<'_, str>, InvalidVersion> {
    check_escaped_query(escaped)?;
    Ok(unescape(escaped))
}

/// Checks without unescaping.
pub(crate) fn check_escaped_query(escaped: &str) -> Result<(), InvalidVersion> {
    check_length(escaped)?;
    if !is_escaped(escaped) {
        return Err(InvalidVersion(VersionFault::BadEscape));
    }
    check_query(escaped, Form::Escaped)
}

fn check_query(query: &str, form: Form) -> Result<(), InvalidVersion> {
    let one_element = |c| c != '!' && in_file_name(c);
    let fault = match query.find('/') {
        Some(_) => Err(PathFault::Char('/')),
        None => check_elements(query, Kind::File, form, one_element),
    };
    fault.map_err(|fault| InvalidVersion(VersionFault::Query(fault)))
}

/// Punctuation of a file name: what every file system takes.
fn in_file_name(c: char) -> bool {
    matches!(
        c,
        ' ' | '!'
            | '#'
            | '$'
            | '%'
            | '&'
            | '('
            | ')'
            | '+'
            | ','
            | '-'
            | '.'
            | '='
            | '@'
            | '['
            | ']'
            | '^'
            | '_'
            | '{'
            | '}'
            | '~'
    )
}

/// Checks the path of a file in a module zip, without the `module@version/` before it.
///
/// The rules are those of `CheckFilePath` in
/// [golang.org/x/mod/module](https://pkg.go.dev/golang.org/x/mod/module#CheckFilePath). Letters are
/// those of Unicode's general category L, by current tables.
///
/// ```
/// use tower_goproxy::module::check_file_path;
///
/// assert!(check_file_path("docs/中文.md").is_ok());
/// assert!(check_file_path("../etc/passwd").is_err());
/// ```
///
/// # Errors
///
/// When the path breaks a rule, which the error names.
#[cfg(feature = "fill")]
pub fn check_file_path(path: &str) -> Result<(), super::error::InvalidFilePath> {
    use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

    let allowed = |c: char| match c.is_ascii() {
        true => in_file_name(c),
        false => c.general_category_group() == GeneralCategoryGroup::Letter,
    };
    check_elements(path, Kind::File, Form::Plain, allowed).map_err(super::error::InvalidFilePath)
}
