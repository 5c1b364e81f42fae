//! Errors as responses.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response};

use super::body::UpstreamBody;
use super::error::{Kind, UpstreamError};
use crate::reply;

/// What a client is told to wait, in seconds, if the upstream does not say.
const WAIT: HeaderValue = HeaderValue::from_static("30");

impl UpstreamError {
    /// The response for a client: the status, and the reason as `text/plain`, which is all that the go command shows.
    ///
    /// The error itself is in the response's extensions.
    #[must_use]
    pub fn into_response(self) -> Response<UpstreamBody> {
        let mut response = Response::new(UpstreamBody::text(format!("{}\n", self.reason())));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, reply::TEXT_PLAIN);
        headers.insert(CACHE_CONTROL, reply::NO_STORE);
        match self.kind() {
            Kind::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            Kind::TooMany(after) => {
                let after = after
                    .as_deref()
                    .and_then(|after| HeaderValue::from_str(after).ok());
                headers.insert(RETRY_AFTER, after.unwrap_or(WAIT));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}
