use std::error::Error;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use http_body_util::Full;

use crate::reply;

/// Why a fill has no file, in the form in which a client gets it: as an answer if it has none
/// yet, else as the error that breaks its body. Cheap to clone, one for all readers.
#[derive(Clone, Debug)]
pub(in crate::fill) struct Failure(Arc<Reply>);

#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Failure {
    /// One of our own, with a line of text.
    pub(in crate::fill) fn new(status: StatusCode, text: &str) -> Self {
        let body = Bytes::from(reply::line(text));
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, reply::TEXT_PLAIN);
        Self::reply(status, headers, body)
    }

    /// A fill that ended without a word: nobody wanted it any more, or its task has died.
    pub(in crate::fill) fn given_up() -> Self {
        Self::new(
            StatusCode::BAD_GATEWAY,
            "the fill of this file was given up",
        )
    }

    /// The answer of a source that is no file.
    pub(in crate::fill) fn reply(status: StatusCode, mut headers: HeaderMap, body: Bytes) -> Self {
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(reply::NO_STORE);
        Self(Arc::new(Reply {
            status,
            headers,
            body,
        }))
    }

    pub(in crate::fill) fn retry_after(mut self, seconds: u64) -> Self {
        if let Some(reply) = Arc::get_mut(&mut self.0) {
            reply.headers.insert(header::RETRY_AFTER, seconds.into());
        }
        self
    }

    /// Whether there is no such file, which the go command takes as an answer and not as a failure.
    pub(in crate::fill) fn is_not_found(&self) -> bool {
        matches!(self.0.status, StatusCode::NOT_FOUND | StatusCode::GONE)
    }

    pub(in crate::fill) fn to_response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.0.body.clone()));
        *response.status_mut() = self.0.status;
        *response.headers_mut() = self.0.headers.clone();
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, self.0.body.len().into());
        response
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text may be a stranger's, and goes into logs.
        let text = String::from_utf8_lossy(&self.0.body);
        let line = reply::line(text.lines().next().unwrap_or_default());
        write!(f, "{}: {}", self.0.status, line.trim_end())
    }
}

impl Error for Failure {}
