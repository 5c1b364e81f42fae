//! Bodies that are encoded although identity was asked for.

use std::io;

use async_compression::tokio::bufread::GzipDecoder;
use futures_util::TryStreamExt as _;
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio_util::io::{ReaderStream, StreamReader};

use super::body::Parts;
use super::error::{Kind, UpstreamError};

pub(super) fn is_gzip(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    let encoding = encodings.next().map(|encoding| encoding.as_bytes());
    encodings.next().is_none()
        && encoding.is_some_and(|encoding| {
            encoding.eq_ignore_ascii_case(b"gzip") || encoding.eq_ignore_ascii_case(b"x-gzip")
        })
}

/// Ends cleanly only behind a whole gzip stream.
pub(super) fn decoded(parts: Parts) -> Parts {
    let encoded = StreamReader::new(parts.into_data_stream().map_err(io::Error::other));
    let mut decoder = GzipDecoder::new(encoded);
    decoder.multiple_members(true);
    let pieces = ReaderStream::with_capacity(decoder, 64 * 1024)
        .map_err(|error| UpstreamError::caused(Kind::Broken, error.into()));
    StreamBody::new(pieces.map_ok(Frame::data)).boxed_unsync()
}
