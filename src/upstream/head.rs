//! The head of a response: what it says, and what of it is passed on.

use http::header::{CONTENT_LENGTH, ETAG, HeaderMap, LAST_MODIFIED, TRANSFER_ENCODING};
use http::{Method, Response, Version};
use http_body::Body;

use crate::source::Validators;

/// The headers for the client, without type and length: what clients and caches understand of a file. Everything else is
/// about the host, its users and the servers in front of it, or makes a server in front of ours do something.
pub(super) fn passed(headers: &HeaderMap) -> HeaderMap {
    let mut passed = HeaderMap::new();
    for (name, value) in headers {
        if let "age" | "cache-control" | "date" | "etag" | "expires" | "last-modified" | "vary" =
            name.as_str()
        {
            passed.append(name, value.clone());
        }
    }
    passed
}

/// What the file can be revalidated with.
pub(super) fn validators(headers: &HeaderMap, origin: String) -> Option<Validators> {
    let (etag, last_modified) = (headers.get(ETAG), headers.get(LAST_MODIFIED));
    (etag.is_some() || last_modified.is_some()).then(|| Validators {
        origin,
        etag: etag.cloned(),
        last_modified: last_modified.cloned(),
    })
}

/// The declared length of the body, or that which a `GET` would have.
pub(super) fn length<B: Body>(response: &Response<B>, method: &Method) -> Option<u64> {
    match response.headers().get(CONTENT_LENGTH) {
        Some(value) => {
            let digits = value.as_bytes().iter().all(u8::is_ascii_digit);
            let value = value.to_str().ok().filter(|_| digits)?;
            value.parse().ok()
        }
        None if *method == Method::HEAD => None,
        None => response.body().size_hint().exact(),
    }
}

/// In the extensions of a response of the built-in client: only the end of the connection ends the body (RFC 9112,
/// section 8), so that one that was cut short cannot be told from a whole one. A client service of the user's has to
/// know that by itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct CloseDelimited;

pub(super) fn is_close_delimited<B: Body>(response: &Response<B>) -> bool {
    let codings = response.headers().get_all(TRANSFER_ENCODING).iter();
    let codings = codings.map(|coding| coding.as_bytes().to_ascii_lowercase());
    response.version() <= Version::HTTP_11
        && length(response, &Method::GET).is_none()
        // Behind any other coding the body ends with the connection too.
        && !codings.eq([b"chunked"])
}
