use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};

use super::body::ResponseBody;
use crate::observe::NoFile;
use crate::reply;

/// Why a fill has no file, as a client gets it: a response if none has been sent yet, else the error that breaks its body.
/// Cheap to clone, one for all who wait.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    response: Arc<Response<Bytes>>,
    pub(super) how: NoFile,
}

impl Failure {
    /// One of our own, with a line of text.
    pub(super) fn new(status: StatusCode, text: &str) -> Self {
        let response = reply::text(status, text);
        response.map(|_| reply::line(text).into()).into()
    }

    pub(super) fn busy(waited: Duration) -> Self {
        reply::busy(waited).into()
    }

    pub(super) fn bad_gateway(text: &str) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, text)
    }

    pub(super) fn given_up() -> Self {
        Self::bad_gateway("the fill of this file was given up").with(NoFile::Abandoned)
    }

    pub(super) fn with(self, how: NoFile) -> Self {
        Self { how, ..self }
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
        response.into()
    }

    pub(super) fn to_response(&self) -> Response<ResponseBody> {
        let response = (*self.response).clone();
        response.map(|content| ResponseBody::whole(content.into()))
    }
}

impl From<Response<Bytes>> for Failure {
    fn from(response: Response<Bytes>) -> Self {
        let how = match response.status() {
            StatusCode::NOT_FOUND | StatusCode::GONE => NoFile::NotFound,
            _ => NoFile::Failed,
        };
        Self {
            response: Arc::new(response),
            how,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text may be a stranger's, and goes into logs.
        let text = String::from_utf8_lossy(self.response.body());
        let line = reply::line(text.lines().next().unwrap_or_default());
        write!(f, "{}: {}", self.response.status(), line.trim_end())
    }
}

impl Error for Failure {}
