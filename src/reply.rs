//! Short answers of our own. The go command shows an error's text only if it is plain text,
//! printable and short.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

pub(crate) const TEXT_PLAIN: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

pub(crate) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// What is said to those who have waited too long for a slot at a source.
#[cfg(feature = "fill")]
pub(crate) const BUSY: &str = "too many requests are waiting for the source, try again later";

/// In the extensions of a response that says so: the source has said nothing.
#[cfg(feature = "fill")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Busy;

/// There was no slot within this time.
#[cfg(feature = "fill")]
pub(crate) fn busy(waited: std::time::Duration) -> Response<Bytes> {
    let mut response = text(StatusCode::SERVICE_UNAVAILABLE, BUSY).map(|_| line(BUSY).into());
    let seconds = waited.as_secs().max(1);
    response
        .headers_mut()
        .insert(http::header::RETRY_AFTER, seconds.into());
    response.extensions_mut().insert(Busy);
    response
}

/// The go command cuts an error text off beyond this.
const MAX: usize = 640;

/// One line of text. What is not printable in it, or too long, is left out.
pub(crate) fn text(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    let line = line(text);
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, TEXT_PLAIN);
    // Some of these statuses may be kept by a cache unless it is told not to (RFC 9110, section
    // 15.1), and who is asking or what is stored by then may change the answer.
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(line.len()));
    *response.body_mut() = Full::from(line);
    response
}

/// A module proxy has nothing to change.
pub(crate) fn method_not_allowed() -> Response<Full<Bytes>> {
    let mut response = text(
        StatusCode::METHOD_NOT_ALLOWED,
        "a module proxy answers GET and HEAD",
    );
    response
        .headers_mut()
        .insert(ALLOW, const { HeaderValue::from_static("GET, HEAD") });
    response
}

pub(crate) fn line(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(MAX) + 1);
    for char in printable(text) {
        if line.len() + char.len_utf8() > MAX {
            break;
        }
        line.push(char);
    }
    line.push('\n');
    line
}

/// One line of any length.
#[cfg(feature = "go-get")]
pub(crate) fn plain(text: &str) -> String {
    printable(text.trim()).collect()
}

/// A blank in place of what a terminal takes for a command, and of what makes it show text in another order.
fn printable(text: &str) -> impl Iterator<Item = char> {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(move |c| if hidden(c) { ' ' } else { c })
}

/// The body of a [`Redirect`](crate::Redirect) or [`NotFound`](crate::NotFound) response: one line of text.
#[derive(Clone, Debug, Default)]
pub struct TextBody(pub(crate) Full<Bytes>);

impl Body for TextBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_line_has_no_control_characters_and_an_end() {
        assert_eq!(line("a\u{1b}[31mb\nc\u{202e}d"), "a [31mb c d\n");
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let line = line(&"é".repeat(1000));
        assert!(line.len() <= 641);
        assert!(line.ends_with("é\n"));
    }
}
