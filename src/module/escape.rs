//! Case encoding: how a capital letter travels through URLs and file systems that ignore case.
//!
//! Every ASCII capital becomes `!` and its small letter; nothing else changes
//! (<https://go.dev/ref/mod#goproxy-protocol>, "case-encoded").

use std::borrow::Cow;

/// Which of the two spellings a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As written in a `go.mod`: capitals are capitals.
    Plain,
    /// As written in a URL: capitals are `!` and a small letter. Says nothing of texts that do not pass [`is_escaped`].
    Escaped,
}

/// Whether `text` is something that escaping can have made.
pub(crate) fn is_escaped(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let good = match byte {
            b'!' => bytes.next().is_some_and(|next| next.is_ascii_lowercase()),
            _ => byte.is_ascii() && !byte.is_ascii_uppercase(),
        };
        if !good {
            return false;
        }
    }
    true
}

/// Writes capitals as `!` and a small letter. Borrows when there is none.
pub(crate) fn escape(text: Cow<'_, str>) -> Cow<'_, str> {
    let capitals = text.bytes().filter(u8::is_ascii_uppercase).count();
    if capitals == 0 {
        return text;
    }
    let mut escaped = String::with_capacity(text.len() + capitals);
    for letter in text.chars() {
        if letter.is_ascii_uppercase() {
            escaped.push('!');
        }
        escaped.push(letter.to_ascii_lowercase());
    }
    Cow::Owned(escaped)
}

/// Undoes [`escape`]. Borrows when there is no `!`.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('!') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '!' => plain.extend(letters.next().map(|next| next.to_ascii_uppercase())),
            _ => plain.push(letter),
        }
    }
    Cow::Owned(plain)
}

/// The plain bytes of a text in either form, one at a time, so that comparing costs no allocation.
pub(crate) fn plain_bytes(text: &str) -> impl Iterator<Item = u8> + '_ {
    let mut bytes = text.bytes();
    std::iter::from_fn(move || match bytes.next()? {
        b'!' => bytes.next().map(|next| next.to_ascii_uppercase()),
        byte => Some(byte),
    })
}
