//! The rules that all slash-separated paths share, and the alphabets in which they differ.
//!
//! They are those of `CheckPath` and `CheckFilePath` in
//! [golang.org/x/mod/module](https://pkg.go.dev/golang.org/x/mod/module).

use super::error::{Fault, invalid_char};
use super::escape::{unescape, unescaped};
use super::limits;

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A module, or the first elements of one, escaped.
    Module,
    /// A version query, which becomes a file name, escaped.
    Query,
    /// A file in a module, as it is.
    #[cfg(feature = "fill")]
    File,
}

/// Device names of Windows, which no file there can have, with any extension and in any case.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

pub(crate) fn check_elements(path: &str, kind: Kind) -> Result<(), Fault> {
    let fault = match path {
        "" => "empty",
        _ if kind == Kind::Module && path.starts_with('-') => "leading dash",
        _ if path.contains("//") => "double slash",
        _ if path.ends_with('/') => "trailing slash",
        _ => return (path.split('/')).try_for_each(|element| check_element(element, kind)),
    };
    Err(fault.into())
}

fn check_element(element: &str, kind: Kind) -> Result<(), Fault> {
    let is_of_module = kind == Kind::Module;
    let fault = match element {
        "" => "empty path element".into(),
        _ if element.bytes().all(|b| b == b'.') => "invalid path element of dots alone".into(),
        _ if is_of_module && element.starts_with('.') => "leading dot in path element".into(),
        _ if element.ends_with('.') => "trailing dot in path element".into(),
        _ if is_of_module && element.len() > limits::ELEMENT => {
            format!("path element longer than {} bytes", limits::ELEMENT).into()
        }
        _ => match element.chars().find(|c| !is_good(*c, kind)) {
            Some(bad) => invalid_char(bad),
            None => return check_stem(element.split('.').next().unwrap_or_default(), kind),
        },
    };
    Err(fault)
}

/// Checks what comes before the first dot.
fn check_stem(stem: &str, kind: Kind) -> Result<(), Fault> {
    if is_reserved(stem, kind) {
        let name = unescape(stem);
        return Err(format!("\"{name}\" disallowed as path element component on Windows").into());
    }
    if kind == Kind::Module && ends_in_tilde_digits(stem) {
        return Err("trailing tilde and digits in path element".into());
    }
    Ok(())
}

/// A `!` is part of an escaped capital, or of the name of a file.
fn is_good(c: char, kind: Kind) -> bool {
    match kind {
        Kind::Module => c.is_ascii_alphanumeric() || "!-._~".contains(c),
        #[cfg(feature = "fill")]
        Kind::File if !c.is_ascii() => is_letter(c),
        _ => c.is_ascii_alphanumeric() || " !#$%&()+,-.=@[]^_{}~".contains(c),
    }
}

/// Of the category L of Unicode, which is not what `char::is_alphabetic` means.
#[cfg(feature = "fill")]
fn is_letter(c: char) -> bool {
    use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
    let category = icu_properties::CodePointMapData::<GeneralCategory>::new().get(c);
    GeneralCategoryGroup::Letter.contains(category)
}

fn is_reserved(stem: &str, kind: Kind) -> bool {
    let is_escaped = matches!(kind, Kind::Module | Kind::Query);
    let name = unescaped(stem).map(|c| c.to_ascii_lowercase());
    (is_escaped || !stem.contains('!'))
        && (RESERVED.iter()).any(|reserved| name.clone().eq(reserved.chars()))
}

/// `PROGRA~1`: the short names that Windows gives to long ones.
fn ends_in_tilde_digits(stem: &str) -> bool {
    let head = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    head.len() < stem.len() && head.ends_with('~')
}
