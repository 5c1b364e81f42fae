//! The head of a response with a file, and which part of it a request wants, if any: RFC 9110, sections 13 and 14.

use std::ops::Range;

use headers::{ContentRange, ETag, Header, HeaderMapExt, IfMatch, IfNoneMatch, IfRange};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, IF_RANGE, RANGE,
};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};
use object_store::GetRange;

use crate::target::Target;

/// What to answer with, of a file that is there.
#[derive(Debug, PartialEq, Eq)]
enum Plan {
    Whole,
    Part(Range<u64>),
    /// 304
    NotModified,
    /// 412
    PreconditionFailed,
    /// 416
    NotSatisfiable,
}

/// The range that a request wants. One that cannot be understood is ignored, and so are several at once: RFC 9110, section
/// 14.2, leaves both to the server. A range of anything but GET is none.
pub(super) fn wanted_range(request: &Parts) -> Option<GetRange> {
    let range = request.headers.get(RANGE)?.to_str().ok()?;
    let range = range.strip_prefix("bytes=")?.trim();
    let (start, end) = range.split_once('-')?;
    let is_odd = |byte| byte != b'-' && !u8::is_ascii_digit(&byte);
    if request.method != Method::GET || range.bytes().any(is_odd) {
        return None;
    }
    Some(match (start.parse(), end.parse::<u64>()) {
        (Ok(start), Ok(end)) if start <= end => GetRange::Bounded(start..end.checked_add(1)?),
        (Ok(start), Err(_)) if end.is_empty() => GetRange::Offset(start),
        (Err(_), Ok(len)) if start.is_empty() => GetRange::Suffix(len),
        _ => return None,
    })
}

/// The head of a response with all of a file.
pub(super) fn whole(target: &Target<'_>, len: Option<u64>) -> Response<()> {
    head(target, len, None, &Plan::Whole)
}

/// The head of a response with as much of a file as is requested, and the bytes that come after it: from the first number on,
/// and before the second, or up to the end where that is not known.
pub(super) fn wanted(
    request: &Parts,
    target: &Target<'_>,
    len: Option<u64>,
    tag: &ETag,
) -> (Response<()>, u64, Option<u64>) {
    let plan = plan(request, tag, len);
    let head = head(target, len, Some(tag), &plan);
    match plan {
        Plan::Whole if request.method != Method::HEAD => (head, 0, len),
        Plan::Part(range) => (head, range.start, Some(range.end)),
        _ => (head, 0, Some(0)),
    }
}

fn head(target: &Target<'_>, len: Option<u64>, tag: Option<&ETag>, plan: &Plan) -> Response<()> {
    let mut response = Response::new(());
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_static(target.resource().content_type());
    headers.insert(CONTENT_TYPE, content_type);
    let immutable = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(CACHE_CONTROL, immutable);
    if let Some(tag) = tag {
        headers.typed_insert(tag.clone());
    }
    if len.is_some() {
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    let (status, content) = match plan {
        Plan::Whole => (StatusCode::OK, len),
        Plan::Part(range) => {
            // A plan's range is not empty and lies inside the file.
            if let Ok(range) = ContentRange::bytes(range.clone(), len) {
                headers.typed_insert(range);
            }
            (StatusCode::PARTIAL_CONTENT, Some(range.end - range.start))
        }
        Plan::NotModified => (StatusCode::NOT_MODIFIED, None),
        Plan::PreconditionFailed => {
            headers.remove(CACHE_CONTROL);
            (StatusCode::PRECONDITION_FAILED, Some(0))
        }
        Plan::NotSatisfiable => {
            headers.typed_insert(ContentRange::unsatisfied_bytes(len.unwrap_or_default()));
            headers.remove(CACHE_CONTROL);
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(0))
        }
    };
    if let Some(content) = content {
        headers.insert(CONTENT_LENGTH, content.into());
    }
    *response.status_mut() = status;
    response
}

/// In the order of RFC 9110, section 13.2.2. Dates play no part, since no `Last-Modified` is sent.
fn plan(request: &Parts, etag: &ETag, len: Option<u64>) -> Plan {
    let headers = &request.headers;
    if condition(headers).is_some_and(|wanted: IfMatch| !wanted.precondition_passes(etag)) {
        return Plan::PreconditionFailed;
    }
    if condition(headers).is_some_and(|known: IfNoneMatch| !known.precondition_passes(etag)) {
        return Plan::NotModified;
    }
    // A range of a file that the client has not named, or in a way that cannot be understood, is ignored.
    let of_another = headers.contains_key(IF_RANGE)
        && condition(headers).is_none_or(|known: IfRange| known.is_modified(Some(etag), None));
    match (wanted_range(request), len) {
        // A range of an unknown length would have to wait for the end.
        (Some(range), Some(len)) if !of_another => match range.as_range(len) {
            Ok(part) if !part.is_empty() => Plan::Part(part),
            _ => Plan::NotSatisfiable,
        },
        _ => Plan::Whole,
    }
}

/// `None` also for a tag with a blank in it, at which the parser of `headers` panics in a debug build.
fn condition<H: Header>(headers: &HeaderMap) -> Option<H> {
    let mut values = headers.get_all(H::name()).iter();
    let is_odd = values.any(|value| {
        let parts = value.as_bytes().split(|byte| *byte == b'"');
        let mut quoted = parts.skip(1).step_by(2).flatten();
        quoted.any(u8::is_ascii_whitespace)
    });
    if is_odd { None } else { headers.typed_get() }
}

#[cfg(test)]
mod tests {
    use http::{Method, Request};

    use super::{Plan, plan};

    fn planned(headers: &[(&'static str, &str)]) -> Plan {
        planned_for(Method::GET, headers)
    }

    fn planned_for(method: Method, headers: &[(&'static str, &str)]) -> Plan {
        let mut request = Request::builder().method(method);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        plan(&parts, &"\"v1.0.0.zip-64\"".parse().unwrap(), Some(100))
    }

    #[test]
    fn ranges() {
        assert_eq!(planned(&[]), Plan::Whole);
        assert_eq!(planned(&[("range", "bytes=0-9")]), Plan::Part(0..10));
        assert_eq!(planned(&[("range", "bytes=90-")]), Plan::Part(90..100));
        assert_eq!(planned(&[("range", "bytes=90-1000")]), Plan::Part(90..100));
        assert_eq!(planned(&[("range", "bytes=-5")]), Plan::Part(95..100));
        assert_eq!(planned(&[("range", "bytes=-500")]), Plan::Part(0..100));
        assert_eq!(planned(&[("range", "bytes=100-")]), Plan::NotSatisfiable);
        assert_eq!(planned(&[("range", "bytes=-0")]), Plan::NotSatisfiable);
        assert_eq!(planned(&[("range", "bytes=0-1, 5-6")]), Plan::Whole);
        assert_eq!(planned(&[("range", "bytes=9-5")]), Plan::Whole);
        assert_eq!(planned(&[("range", "lines=1-2")]), Plan::Whole);
    }

    #[test]
    fn conditions() {
        let etag = "\"v1.0.0.zip-64\"";
        assert_eq!(planned(&[("if-none-match", etag)]), Plan::NotModified);
        assert_eq!(planned(&[("if-none-match", "*")]), Plan::NotModified);
        assert_eq!(planned(&[("if-none-match", "\"other\"")]), Plan::Whole);
        assert_eq!(
            planned(&[("if-match", "\"other\"")]),
            Plan::PreconditionFailed
        );
        assert_eq!(
            planned(&[("range", "bytes=1-2"), ("if-none-match", etag)]),
            Plan::NotModified
        );
        assert_eq!(
            planned(&[("range", "bytes=1-2"), ("if-range", etag)]),
            Plan::Part(1..3)
        );
        for other in [
            "\"other\"",
            "\"a b\"",
            "W/\"v1.0.0.zip-64\"",
            "yesterday",
            "",
        ] {
            assert_eq!(
                planned(&[("range", "bytes=1-2"), ("if-range", other)]),
                Plan::Whole,
                "{other}"
            );
        }
        assert_eq!(
            planned_for(Method::HEAD, &[("range", "bytes=1-2")]),
            Plan::Whole
        );
    }
}
