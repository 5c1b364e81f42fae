use std::pin::pin;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Response, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt;
use tower::BoxError;

use super::spool::Failure;
use crate::observe;

/// The text of an error is for a person; the go command shows 8 lines of it.
const MAX_TEXT: usize = 16 * 1024;

/// What a source's answer is to a fill.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SourceAnswer {
    /// The whole file as it is.
    File { len: Option<u64> },
    /// Something that is passed on and not stored: encoded, a part, or too large.
    Unshared,
    /// No file. Short, and the same for all who asked.
    Failure,
    /// Nobody can tell what it is. RFC 9112, section 6.3: a proxy discards an answer of unclear
    /// length, since the next recipient may find another end in it.
    Broken(&'static str),
}

impl SourceAnswer {
    pub(super) fn of<B: Body>(response: &Response<B>, max: u64) -> Self {
        let headers = response.headers();
        if response.status() == StatusCode::PARTIAL_CONTENT {
            return Self::Unshared;
        }
        if response.status() != StatusCode::OK {
            return Self::Failure;
        }
        if headers.contains_key(header::CONTENT_RANGE) {
            return Self::Broken("the source sent a part as a whole");
        }
        if is_encoded(headers) {
            return Self::Unshared;
        }
        match declared_len(headers, response.body().size_hint().exact()) {
            Err(Disagreement) => Self::Broken("the source declared no clear length"),
            Ok(len) if len.is_some_and(|len| len > max) => Self::Unshared,
            Ok(len) => Self::File { len },
        }
    }
}

fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

struct Disagreement;

/// The length by `Content-Length`, or by the body itself. Where two of them are there and differ,
/// nobody knows how long the file is.
fn declared_len(headers: &HeaderMap, exact: Option<u64>) -> Result<Option<u64>, Disagreement> {
    let mut len = None;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        let value: u64 = value
            .to_str()
            .ok()
            .and_then(|value| value.parse().ok())
            .ok_or(Disagreement)?;
        if len.replace(value).is_some_and(|other| other != value) {
            return Err(Disagreement);
        }
    }
    match (len, exact) {
        (Some(len), Some(exact)) if len != exact => Err(Disagreement),
        (len, exact) => Ok(len.or(exact)),
    }
}

/// Reads an answer that is no file, as far as its text is of use.
pub(super) async fn read_failure<B>(response: Response<B>) -> Failure
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let (parts, body) = response.into_parts();
    let mut body = pin!(body);
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(bytes)) => text.extend_from_slice(&bytes),
            Ok(Err(_trailers)) => {}
            Err(error) => {
                observe::source_failed("the text of an error broke off", &error.into());
                break;
            }
        }
        if text.len() >= MAX_TEXT {
            text.truncate(MAX_TEXT);
            break;
        }
    }
    Failure::reply(parts.status, kept(&parts.headers), text.into())
}

/// The headers of an error that mean the same to everybody.
fn kept(headers: &HeaderMap) -> HeaderMap {
    const KEPT: [HeaderName; 6] = [
        header::CONTENT_TYPE,
        header::CONTENT_ENCODING,
        header::CACHE_CONTROL,
        header::LOCATION,
        header::RETRY_AFTER,
        header::VARY,
    ];
    KEPT.into_iter()
        .filter_map(|name| Some((headers.get(&name)?.clone(), name)))
        .map(|(value, name)| (name, value))
        .collect()
}
