//! Answers.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response};

use super::body::GoGetBody;
use super::error::{GoGetError, Kind};
use crate::reply;
use crate::target::resource::Resource;

/// What a client is told to wait, in seconds, if a host has had enough of us.
const WAIT: HeaderValue = HeaderValue::from_static("30");

/// For whom an answer is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Audience {
    Everyone,
    Owner,
}

/// An answer with this body, which has an exact size.
pub(super) fn found(
    resource: Resource,
    len: u64,
    body: GoGetBody,
    audience: Audience,
) -> Response<GoGetBody> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(resource.content_type()),
    );
    headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
    if let Audience::Owner = audience {
        // For no cache that others use (RFC 9111, section 5.2.2.7).
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
    }
    response
}

impl GoGetError {
    /// The response for a client: the status, and the reason as `text/plain`, which is all that the go command shows.
    ///
    /// The error itself is in the response's extensions.
    #[must_use]
    pub fn into_response(self) -> Response<GoGetBody> {
        let text = reply::line(&self.reason());
        let len = text.len();
        let mut response = Response::new(GoGetBody::text(text.into()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, reply::TEXT_PLAIN);
        headers.insert(CACHE_CONTROL, reply::NO_STORE);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
        match self.kind() {
            Kind::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            Kind::TooMany => {
                headers.insert(RETRY_AFTER, WAIT);
            }
            Kind::Busy(wait) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}
