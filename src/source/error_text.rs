//! Text of a stranger that a client may see.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::Body;
use http_body_util::{BodyExt as _, Limited};
use tower::BoxError;

use super::host::without_users;

/// What the go command shows of an error.
const MOST_BYTES: usize = 648;
const MOST_LINES: usize = 8;
/// How much of an error's body is read, so that its connection can be used again.
const READ: usize = 16 * 1024;
/// How long that may take: the answer itself is known.
const WAIT: Duration = Duration::from_secs(5);

/// Reads the body of an error, and returns it if it is fit to be shown.
pub(crate) async fn read<B>(headers: &HeaderMap, body: B) -> Option<String>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let plain = is_plain(headers);
    let bytes = tokio::time::timeout(WAIT, Limited::new(body, READ).collect())
        .await
        .ok()?
        .ok()?
        .to_bytes();
    if plain { fit(&bytes) } else { None }
}

fn is_plain(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(CONTENT_TYPE).map(|value| value.to_str()) else {
        return false;
    };
    let mut parts = value
        .split(';')
        .map(|part| part.trim().to_ascii_lowercase());
    parts.next().as_deref() == Some("text/plain")
        && parts.all(|part| match part.strip_prefix("charset=") {
            Some(charset) => matches!(charset.trim_matches('"'), "utf-8" | "us-ascii"),
            None => true,
        })
}

/// The lines before the first blank one, if all of it is printable and nothing in it could be a password.
fn fit(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    if !text.chars().all(is_shown) || without_users(text) != text {
        return None;
    }
    let lines: Vec<&str> = text
        .trim_start()
        .lines()
        .map(str::trim_end)
        .take_while(|line| !line.is_empty())
        .take(MOST_LINES)
        .collect();
    let mut shown = lines.join("\n");
    if shown.len() > MOST_BYTES {
        let mut end = MOST_BYTES;
        while !shown.is_char_boundary(end) {
            end -= 1;
        }
        shown.truncate(end);
    }
    (!shown.is_empty()).then_some(shown)
}

/// Whether a terminal and a log show it as what it is: nothing that hides, moves or overwrites others.
fn is_shown(c: char) -> bool {
    // Only what is not printable has a longer escape than two characters.
    let is_printable = || !c.is_control() && c.escape_debug().len() <= 2;
    matches!(c, '\n' | '\r' | '\t') || c.is_alphanumeric() || is_printable()
}

#[cfg(test)]
mod tests {
    use super::{fit, is_plain};
    use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

    #[test]
    fn only_what_the_go_command_would_show_is_relayed() {
        for (text, want) in [
            ("not found: a@v1\n", Some("not found: a@v1")),
            ("one\r\ntwo\n\nhidden", Some("one\ntwo")),
            ("\u{1b}[31mred", None),
            ("a\0b", None),
            ("a\u{7f}b", None),
            ("a\u{9b}31mb", None),
            ("not \u{202e}denialb", None),
            ("a\u{200b}b", None),
            ("a\u{2028}b", None),
            ("a\u{feff}b", None),
            (
                "nicht erlaubt: \"größer\" 'é' \\ 禁止 🚫\tx",
                Some("nicht erlaubt: \"größer\" 'é' \\ 禁止 🚫\tx"),
            ),
            ("", None),
            ("see https://user:pw@host/x", None),
            (
                "see https://host/x@v1.0.0 and a@b",
                Some("see https://host/x@v1.0.0 and a@b"),
            ),
        ] {
            assert_eq!(fit(text.as_bytes()).as_deref(), want, "{text:?}");
        }
        assert_eq!(fit(b"\xff"), None);
        let lines = "line\n".repeat(20);
        assert_eq!(fit(lines.as_bytes()).unwrap().lines().count(), 8);
        assert_eq!(fit("é".repeat(2000).as_bytes()).unwrap().len(), 648);
    }

    #[test]
    fn text_of_another_type_or_charset_is_not_relayed() {
        for (content_type, want) in [
            ("text/plain", true),
            ("Text/Plain; charset=UTF-8", true),
            ("text/plain; charset=us-ascii", true),
            ("text/plain; charset=latin1", false),
            ("text/html; charset=utf-8", false),
            ("application/json", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            assert_eq!(is_plain(&headers), want, "{content_type}");
        }
        assert!(!is_plain(&HeaderMap::new()));
    }
}
