//! Bodies that are encoded although identity was requested.

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

/// Other names are no encodings, such as `identity`, `utf-8` and `aws-chunked`: the go command takes such bytes as they
/// are too.
const ENCODINGS: [&str; 7] = [
    "gzip",
    "x-gzip",
    "br",
    "zstd",
    "deflate",
    "compress",
    "x-compress",
];

/// Whether the body is gzip-encoded.
///
/// # Errors
///
/// It is encoded in another way, and nobody here could check it.
pub(super) fn is_gzip(headers: &HeaderMap) -> Result<bool, UpstreamError> {
    let values = headers.get_all(CONTENT_ENCODING).iter();
    let names = values.flat_map(|value| value.to_str().unwrap_or_default().split(','));
    let mut names = names.map(|name| name.trim().to_ascii_lowercase());
    names.try_fold(false, |is_gzip, name| match ENCODINGS.contains(&&*name) {
        false => Ok(is_gzip),
        true if !is_gzip && name.ends_with("gzip") => Ok(true),
        true => Err(UpstreamError::new(Kind::Unfit(
            "sent an encoding that was not requested",
        ))),
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
