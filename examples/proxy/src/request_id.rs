//! An id for each request, to find it again in the logs of others.

use std::hash::{BuildHasher as _, RandomState};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The one that the client or a proxy in front has given, else that of its trace, else a new one.
pub(crate) fn of(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|value| is_plain(value));
    let given = given.cloned().or_else(|| trace(headers));
    given.unwrap_or_else(random)
}

/// It goes into logs.
fn is_plain(value: &HeaderValue) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(byte);
    (1..=128).contains(&value.len()) && value.as_bytes().iter().all(is_plain)
}

/// `traceparent: 00-TRACE-PARENT-FLAGS` (W3C Trace Context).
fn trace(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get("traceparent")?.to_str().ok()?;
    let trace = value.split('-').nth(1)?;
    let is_hex = trace.len() == 32 && trace.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && trace.bytes().any(|byte| byte != b'0')).then(|| HeaderValue::from_str(trace).ok())?
}

fn random() -> HeaderValue {
    // Each state has keys of its own.
    let [a, b] = [0, 1].map(|n| RandomState::new().hash_one(n));
    // Digits are always a value.
    HeaderValue::try_from(format!("{a:016x}{b:016x}")).unwrap_or(HeaderValue::from_static("-"))
}
