//! The rules that all slash-separated paths share, and the alphabets in which they differ.
//!
//! They are those of `CheckPath` and `CheckFilePath` in
//! [golang.org/x/mod/module](https://pkg.go.dev/golang.org/x/mod/module).

use super::cut::{before, pieces};
use super::error::PathFault;
use super::escape::{Form, plain_bytes, unescape};

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A module, or the first elements of one.
    Module,
    /// A file in a module, or a version query, which becomes a file name.
    File,
}

/// Checks every element; `allowed` is the alphabet for what is neither a letter nor a digit of ASCII.
pub(crate) fn check_elements(
    path: &str,
    kind: Kind,
    form: Form,
    allowed: fn(char) -> bool,
) -> Result<(), PathFault> {
    if path.is_empty() {
        return Err(PathFault::Empty);
    }
    if kind == Kind::Module && path.starts_with('-') {
        return Err(PathFault::LeadingDash);
    }
    let bytes = path.as_bytes();
    if bytes.windows(2).any(|pair| matches!(pair, b"//")) {
        return Err(PathFault::DoubleSlash);
    }
    if path.ends_with('/') {
        return Err(PathFault::TrailingSlash);
    }
    pieces(path, b'/').try_for_each(|element| check_element(element, kind, form, allowed))
}

fn check_element(
    element: &str,
    kind: Kind,
    form: Form,
    allowed: fn(char) -> bool,
) -> Result<(), PathFault> {
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
    let good = |c: char| match c {
        '!' => form == Form::Escaped || allowed('!'),
        _ => c.is_ascii_alphanumeric() || allowed(c),
    };
    if let Some(bad) = element.chars().find(|&c| !good(c)) {
        return Err(PathFault::Char(bad));
    }
    let stem = before(element, b'.');
    if is_reserved(stem, form) {
        let name = match form {
            Form::Plain => stem.to_owned(),
            Form::Escaped => unescape(stem).into_owned(),
        };
        return Err(PathFault::Reserved(name));
    }
    if kind == Kind::Module && ends_in_tilde_digits(stem) {
        return Err(PathFault::TildeDigits);
    }
    Ok(())
}

/// Punctuation of a module path.
pub(crate) fn in_module_path(c: char) -> bool {
    matches!(c, '-' | '.' | '_' | '~')
}

/// Device names of Windows, which no file there can have, with any extension and in any case.
pub(super) fn is_reserved(stem: &str, form: Form) -> bool {
    let mut name = [0_u8; 4];
    let length = match form {
        Form::Plain => copy_upper(stem.bytes(), &mut name),
        Form::Escaped => copy_upper(plain_bytes(stem), &mut name),
    };
    match length.and_then(|length| name.get(..length)) {
        Some(b"CON" | b"PRN" | b"AUX" | b"NUL") => true,
        Some([b'C', b'O', b'M', digit] | [b'L', b'P', b'T', digit]) => matches!(digit, b'1'..=b'9'),
        _ => false,
    }
}

/// The number of bytes copied, or `None` when they do not fit.
fn copy_upper(bytes: impl Iterator<Item = u8>, into: &mut [u8]) -> Option<usize> {
    let mut length = 0;
    for byte in bytes {
        *into.get_mut(length)? = byte.to_ascii_uppercase();
        length += 1;
    }
    Some(length)
}

/// `PROGRA~1`: the short names that Windows gives to long ones.
fn ends_in_tilde_digits(stem: &str) -> bool {
    let head = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    head.len() < stem.len() && head.ends_with('~')
}
