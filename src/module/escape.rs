//! Case encoding: how a capital letter travels through URLs and file systems that ignore case.
//!
//! Every ASCII capital becomes `!` and its small letter; nothing else changes
//! (<https://go.dev/ref/mod#goproxy-protocol>, "case-encoded").

use std::borrow::Cow;
use std::iter;

use super::error::{Fault, invalid_char};

/// Whether `text` is something that escaping can have made.
pub(crate) fn is_escaped(text: &str) -> bool {
    let is_bang_of_a_letter = |rest: &str| rest.starts_with(|c: char| c.is_ascii_lowercase());
    text.bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase())
        && text.split('!').skip(1).all(is_bang_of_a_letter)
}

/// Writes capitals as `!` and a small letter. Borrows when there is none. A `!` cannot be written.
pub(crate) fn escape(text: Cow<'_, str>) -> Result<Cow<'_, str>, Fault> {
    if text.contains('!') {
        return Err(invalid_char('!'));
    }
    if !text.contains(|c: char| c.is_ascii_uppercase()) {
        return Ok(text);
    }
    let escaped = text.chars().flat_map(|letter| {
        let bang = letter.is_ascii_uppercase().then_some('!');
        bang.into_iter().chain([letter.to_ascii_lowercase()])
    });
    Ok(escaped.collect())
}

/// Undoes [`escape`]. Borrows when there is no `!`.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    match text.contains('!') {
        true => unescaped(text).collect(),
        false => Cow::Borrowed(text),
    }
}

/// The characters of the unescaped text, one at a time, so that comparing costs no allocation.
pub(crate) fn unescaped(text: &str) -> impl Iterator<Item = char> + Clone {
    let mut letters = text.chars();
    iter::from_fn(move || match letters.next()? {
        '!' => letters.next().map(|letter| letter.to_ascii_uppercase()),
        letter => Some(letter),
    })
}
