//! A client can ask for what is stored and nothing else, as with proxy.golang.org.

use http::{HeaderMap, HeaderName, HeaderValue};

const HEADER: HeaderName = HeaderName::from_static("disable-module-fetch");

/// Whether the request says `Disable-Module-Fetch: true`, in any of Go's spellings.
pub(crate) fn is_cached_only(headers: &HeaderMap) -> bool {
    headers.get(HEADER).is_some_and(|value| {
        matches!(
            value.as_bytes(),
            b"1" | b"t" | b"T" | b"true" | b"True" | b"TRUE"
        )
    })
}

pub(crate) fn make_cached_only(headers: &mut HeaderMap) {
    headers.insert(HEADER, const { HeaderValue::from_static("true") });
}
