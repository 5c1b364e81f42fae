use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::gate::Gate;

/// What to send for one request. As it is made: 200, the parts at once, an exact `Content-Length`.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) parts: Vec<Bytes>,
    pub(super) framing: Framing,
    pub(super) before_head: Option<Gate>,
    pub(super) between_parts: Option<Gate>,
}

/// How the end of a body is told, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// An exact `Content-Length`.
    Length,
    /// No length: chunked over HTTP/1.1, END_STREAM over HTTP/2.
    Chunked,
    /// No length, and the connection ends with the body. HTTP/1.1 only.
    Close,
    /// A `Content-Length` that promises so many bytes more than are sent; then a clean end of the
    /// connection over HTTP/1.1, or of the stream over HTTP/2.
    Short(u64),
    /// No length; the connection ends without the last chunk, or the stream is reset. A gate stands
    /// before this end too, because a reset discards what is not on the wire yet, even the head.
    Cut,
    /// No length; the connection is reset (RST), behind the gate as with `Cut`. HTTP/1.1 only.
    Reset,
    /// Not even a head: the connection ends, or the stream is reset.
    NoAnswer,
}

impl Answer {
    pub fn new(parts: impl IntoIterator<Item = impl Into<Bytes>>) -> Self {
        Self {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            parts: parts.into_iter().map(Into::into).collect(),
            framing: Framing::Length,
            before_head: None,
            between_parts: None,
        }
    }

    /// `body` in parts of `size` bytes; the last one may be smaller.
    pub fn in_parts(body: impl Into<Bytes>, size: usize) -> Self {
        let mut rest = body.into();
        let mut parts = Vec::new();
        while rest.len() > size {
            parts.push(rest.split_to(size));
        }
        parts.push(rest);
        Self::new(parts)
    }

    /// A status and a line of plain text, as registries say what is wrong.
    pub fn text(status: StatusCode, text: &'static str) -> Self {
        let mut answer = Self::new([text]).header("content-type", "text/plain; charset=utf-8");
        answer.status = status;
        answer
    }

    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a test's header value is well-formed");
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    pub fn framing(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }

    /// Stops at `gate` before each part but the first.
    pub fn gated(mut self, gate: &Gate) -> Self {
        self.between_parts = Some(gate.clone());
        self
    }

    /// Stops at `gate` before the head.
    pub fn withheld(mut self, gate: &Gate) -> Self {
        self.before_head = Some(gate.clone());
        self
    }

    /// The same body gzip-encoded, as a middlebox does it, in as many parts or fewer.
    pub fn gzip(mut self) -> Self {
        let count = self.parts.len().max(1);
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder
            .write_all(&self.parts.concat())
            .expect("memory takes any bytes");
        let encoded = encoder.finish().expect("memory takes any bytes");
        let size = encoded.len().div_ceil(count);
        self.parts = Self::in_parts(encoded, size).parts;
        self.headers
            .insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        self
    }

    /// The `Content-Length` to send.
    pub(super) fn declared(&self) -> Option<u64> {
        let sent = self.parts.iter().map(|part| part.len() as u64).sum::<u64>();
        match self.framing {
            Framing::Length => Some(sent),
            Framing::Short(missing) => Some(sent + missing),
            Framing::Chunked
            | Framing::Close
            | Framing::Cut
            | Framing::Reset
            | Framing::NoAnswer => None,
        }
    }
}
