//! The rules that all slash-separated paths share, and the alphabets in which they differ.
//!
//! They are those of `CheckPath` and `CheckFilePath` in
//! [golang.org/x/mod/module](https://pkg.go.dev/golang.org/x/mod/module).

use super::error::PathFault;
use super::escape::{Form, unescape};

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A module, or the first elements of one.
    Module,
    /// A version query, which becomes a file name.
    Query,
    /// A file in a module.
    #[cfg(feature = "fill")]
    File,
}

/// Device names of Windows, which no file there can have, with any extension and in any case.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

pub(crate) fn check_elements(path: &str, kind: Kind, form: Form) -> Result<(), PathFault> {
    if path.is_empty() {
        return Err(PathFault::Empty);
    }
    if kind == Kind::Module && path.starts_with('-') {
        return Err(PathFault::LeadingDash);
    }
    if path.contains("//") {
        return Err(PathFault::DoubleSlash);
    }
    if path.ends_with('/') {
        return Err(PathFault::TrailingSlash);
    }
    path.split('/')
        .try_for_each(|element| check_element(element, kind, form))
}

fn check_element(element: &str, kind: Kind, form: Form) -> Result<(), PathFault> {
    if element.is_empty() {
        return Err(PathFault::EmptyElement);
    }
    if element.bytes().all(|b| b == b'.') {
        return Err(PathFault::OnlyDots);
    }
    if kind == Kind::Module && element.starts_with('.') {
        return Err(PathFault::LeadingDot);
    }
    if element.ends_with('.') {
        return Err(PathFault::TrailingDot);
    }
    // In the escaped form a `!` is the first half of a capital; as itself it cannot be escaped.
    let good = |c: char| match (c, kind) {
        #[cfg(feature = "fill")]
        (_, Kind::File) if !c.is_ascii() => is_letter(c),
        #[cfg(feature = "fill")]
        ('!', Kind::File) => true,
        ('!', _) => form == Form::Escaped,
        (_, Kind::Module) => c.is_ascii_alphanumeric() || "-._~".contains(c),
        // A file has the same alphabet.
        _ => c.is_ascii_alphanumeric() || " #$%&()+,-.=@[]^_{}~".contains(c),
    };
    if let Some(bad) = element.chars().find(|&c| !good(c)) {
        return Err(PathFault::Char(bad));
    }
    let stem = element.split_once('.').map_or(element, |(stem, _)| stem);
    if is_reserved(stem) {
        return Err(PathFault::Reserved(unescape(stem).into_owned()));
    }
    if kind == Kind::Module && ends_in_tilde_digits(stem) {
        return Err(PathFault::TildeDigits);
    }
    Ok(())
}

/// Of the category L of Unicode, which is not what `char::is_alphabetic` means.
#[cfg(feature = "fill")]
fn is_letter(c: char) -> bool {
    use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
    let category = icu_properties::CodePointMapData::<GeneralCategory>::new().get(c);
    GeneralCategoryGroup::Letter.contains(category)
}

/// A `!` only tells that the next letter is a capital.
fn is_reserved(stem: &str) -> bool {
    let letters = stem.bytes().filter(|b| *b != b'!');
    let name = letters.map(|b| b.to_ascii_lowercase());
    RESERVED
        .iter()
        .any(|reserved| name.clone().eq(reserved.bytes()))
}

/// `PROGRA~1`: the short names that Windows gives to long ones.
fn ends_in_tilde_digits(stem: &str) -> bool {
    let head = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    head.len() < stem.len() && head.ends_with('~')
}
