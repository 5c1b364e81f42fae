use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::Full;

use crate::reply;

/// Why a fill has no file, as a client gets it: a response if none has been sent yet, else the error that breaks its body.
/// Cheap to clone, one for all who wait.
#[derive(Clone, Debug)]
pub(super) struct Failure(Arc<Response<Bytes>>);

impl Failure {
    /// One of our own, with a line of text.
    pub(super) fn new(status: StatusCode, text: &str) -> Self {
        let (parts, _) = reply::text(status, text).into_parts();
        let body = reply::line(text).into();
        Self(Arc::new(Response::from_parts(parts, body)))
    }

    pub(super) fn bad_gateway(text: &str) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, text)
    }

    /// The source's own response, which is not a file.
    pub(super) fn of_source(status: StatusCode, mut headers: HeaderMap, body: Bytes) -> Self {
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(reply::NO_STORE);
        headers.insert(header::CONTENT_LENGTH, body.len().into());
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Self(Arc::new(response))
    }

    pub(super) fn retry_after(self, seconds: u64) -> Self {
        let mut response = (*self.0).clone();
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, seconds.max(1).into());
        Self(Arc::new(response))
    }

    /// Whether there is no such file: an answer to the go command, not a failure.
    pub(super) fn is_not_found(&self) -> bool {
        matches!(self.0.status(), StatusCode::NOT_FOUND | StatusCode::GONE)
    }

    pub(super) fn to_response(&self) -> Response<Full<Bytes>> {
        (*self.0).clone().map(Full::new)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text may be a stranger's, and goes into logs.
        let text = String::from_utf8_lossy(self.0.body());
        let line = reply::line(text.lines().next().unwrap_or_default());
        write!(f, "{}: {}", self.0.status(), line.trim_end())
    }
}

impl Error for Failure {}
