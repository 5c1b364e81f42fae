//! Cuts of short texts at one ASCII byte. A path is read with every request, and the searchers of
//! `str`, which are made for long texts, took half of the time.

/// What stands before the first such byte, or everything.
pub(crate) fn before(text: &str, byte: u8) -> &str {
    &text[..position(text, byte).unwrap_or(text.len())]
}

/// What stands before and after the last such byte.
pub(crate) fn at_last(text: &str, byte: u8) -> Option<(&str, &str)> {
    let at = text.bytes().rposition(|b| b == byte)?;
    Some((&text[..at], &text[at + 1..]))
}

/// What stands between such bytes, like [`str::split`].
pub(crate) fn pieces(text: &str, byte: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let piece = before(text, byte);
        rest = text.get(piece.len() + 1..);
        Some(piece)
    })
}

fn position(text: &str, byte: u8) -> Option<usize> {
    text.bytes().position(|b| b == byte)
}

#[cfg(test)]
mod tests {
    use super::{at_last, before, pieces};

    #[test]
    fn cuts_where_str_does() {
        for text in ["", "/", "a", "a/", "/a", "a/b", "a//b", "é/ü/", "//"] {
            assert!(pieces(text, b'/').eq(text.split('/')), "{text}");
            assert_eq!(before(text, b'/'), text.split('/').next().unwrap());
            assert_eq!(at_last(text, b'/'), text.rsplit_once('/'));
        }
    }
}
