//! What the source's response is to a fill.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http::response::Parts;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::BodyExt;
use tower::BoxError;

use super::failure::Failure;
use super::pace::Pace;
use super::service::SourceBody;
use super::shared::Shared;
use super::table::File;
use crate::observe::{self, NoFile};
use crate::shared_caches::has_directive;
use crate::source::chain::Chain;
use crate::source::{StoredElsewhere, Validators};
use crate::target::Target;

/// The text of an error is for a person; the go command shows 8 lines of it.
const MAX_TEXT: usize = 16 * 1024;

/// What is known of the file by a 200. `exact` is the length of the body itself, where that says something.
///
/// # Errors
///
/// It is a response that each client gets for itself, or one that nobody can tell the meaning of.
pub(super) fn judge(
    head: &Parts,
    exact: Option<u64>,
    target: &Target<'_>,
    shared: &Shared,
) -> Result<File, Failure> {
    let headers = &head.headers;
    // Neither a range nor a condition was sent.
    if head.status != StatusCode::OK || headers.contains_key(header::CONTENT_RANGE) {
        let reason = "the source sent something else than the whole answer";
        return Err(Failure::bad_gateway(reason));
    }
    let says = |name| !shared.ignore_cache_control && has_directive(headers, name);
    let no_store = says("no-store");
    if no_store {
        let registry = head.extensions.get::<Validators>();
        let registry = registry.map_or("", |registry| &registry.origin);
        observe::source_says_no_store(&shared.no_store, registry, target);
    }
    let Ok(len) = declared_len(headers, exact) else {
        // RFC 9112, section 6.3: the next recipient may find another end in it.
        return Err(Failure::bad_gateway("the source declared no clear length"));
    };
    let is_too_large = len.is_some_and(|len| len > shared.max_size(target.resource()));
    if is_encoded(headers) {
        // Identity was asked for. What cannot be decoded cannot be checked either, so nobody gets it.
        return Err(Failure::bad_gateway("the source's response is encoded"));
    }
    if no_store || is_too_large {
        let reason = "the source's response cannot be checked";
        return Err(Failure::bad_gateway(reason).with(NoFile::Unshared));
    }
    Ok(File {
        len,
        stores: head.extensions.get::<StoredElsewhere>().is_none(),
        private: says("private"),
    })
}

pub(super) fn is_encoded(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// The length by `Content-Length`, or by the body itself. An error where two of them are there and differ.
pub(super) fn declared_len(headers: &HeaderMap, exact: Option<u64>) -> Result<Option<u64>, ()> {
    let mut len = exact;
    for value in headers.get_all(header::CONTENT_LENGTH) {
        let value = value.to_str().ok().and_then(|value| value.parse().ok());
        let value: u64 = value.ok_or(())?;
        if len.replace(value).is_some_and(|other| other != value) {
            return Err(());
        }
    }
    Ok(len)
}

/// A response that is a 2xx.
///
/// # Errors
///
/// Any other one, with its text as far as that is of use.
pub(super) async fn succeeded(
    what: &Target<'_>,
    response: Response<SourceBody>,
    pace: &mut Pace,
) -> Result<(Parts, SourceBody), Failure> {
    let (parts, body) = response.into_parts();
    if parts.status.is_success() {
        return Ok((parts, body));
    }
    let (text, _) = read(what, body, MAX_TEXT, pace).await?;
    let headers = kept(parts.status, &parts.headers);
    // What is cut off cannot be decoded.
    let text = Some(text).filter(|_| !is_encoded(&parts.headers));
    let text = text.unwrap_or_default();
    Err(Failure::of_source(parts.status, headers, text))
}

/// The headers of an error that mean the same to everybody.
fn kept(status: StatusCode, headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::new();
    for (name, value) in headers {
        if let ("cache-control" | "content-type" | "retry-after" | "vary", _)
        | ("location", 300..400)
        | ("www-authenticate", 401)
        | ("allow", 405) = (name.as_str(), status.as_u16())
        {
            kept.append(name, value.clone());
        }
    }
    kept
}

/// The error itself may name hosts and paths that are no business of a client.
pub(super) fn source_failed(file: &Target<'_>, what: &'static str, error: &BoxError) -> Failure {
    observe::source_failed(file, what, &Chain(&**error));
    Failure::bad_gateway(what)
}

/// The first `max` bytes of a small body, and whether that is all of it.
pub(super) async fn read(
    what: &Target<'_>,
    body: SourceBody,
    max: usize,
    pace: &mut Pace,
) -> Result<(Bytes, bool), Failure> {
    let mut body = pin!(body);
    let mut content = BytesMut::new();
    while let Some(frame) = pace.wait(body.frame()).await? {
        match frame.map(|frame| frame.into_data()) {
            Ok(Ok(bytes)) => {
                pace.got(bytes.len());
                content.extend_from_slice(&bytes);
            }
            Ok(Err(_trailers)) => {}
            Err(error) => {
                source_failed(what, "the source's response broke off", &error);
                return Ok((content.freeze(), false));
            }
        }
        if content.len() > max {
            content.truncate(max);
            return Ok((content.freeze(), false));
        }
    }
    Ok((content.freeze(), true))
}
