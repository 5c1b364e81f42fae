//! Errors as responses.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use super::body::UpstreamBody;
use super::error::{Kind, UpstreamError};
use crate::reply::{self, NO_STORE};
use crate::source::Uncertain;

/// For what a layer may remember by rules of its own.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// What a client is told to wait, in seconds, if the upstream does not say.
const WAIT: HeaderValue = HeaderValue::from_static("30");

impl UpstreamError {
    /// The response for a client: the status, and the reason as `text/plain`, which is all that the go command shows.
    ///
    /// The error itself is in the response's extensions.
    #[must_use]
    pub fn into_response(self) -> Response<UpstreamBody> {
        let mut response = Response::new(UpstreamBody::whole(format!("{}\n", self.reason())));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, reply::TEXT_PLAIN);
        let caching = if self.is_for_once() {
            NO_STORE
        } else {
            NO_CACHE
        };
        headers.insert(CACHE_CONTROL, caching);
        match self.kind() {
            Kind::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            Kind::Said(said) if said.is_passed() => {
                let default = || (said.status == StatusCode::TOO_MANY_REQUESTS).then_some(WAIT);
                if let Some(after) = said.retry_after.clone().or_else(default) {
                    headers.insert(RETRY_AFTER, after);
                }
            }
            _ => {}
        }
        if self.is_uncertain() {
            response.extensions_mut().insert(Uncertain);
        }
        response.extensions_mut().insert(self);
        response
    }
}
