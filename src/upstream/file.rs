//! `file://` entries: a directory in the layout of a static registry.

use std::io;
use std::path::Path;
use std::sync::Arc;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Response};
use http_body_util::BodyExt as _;
use tokio::fs::File;

use super::body::UpstreamBody;
use super::error::{Kind, UpstreamError};
use crate::source::file_body::FileBody;
use crate::target::Target;

/// Answers with the file of a target below `directory`.
pub(super) async fn open(
    directory: &Path,
    method: &Method,
    target: &Target<'_>,
) -> Result<Response<UpstreamBody>, UpstreamError> {
    let file = File::open(directory.join(target.as_str())).await;
    let file = file.map_err(not_read)?;
    let metadata = file.metadata().await.map_err(not_read)?;
    if !metadata.is_file() {
        return Err(UpstreamError::new(Kind::NoFile));
    }
    let length = metadata.len();
    let mut response = Response::new(match *method {
        Method::HEAD => UpstreamBody::default(),
        _ => {
            let file = Arc::new(file.into_std().await);
            UpstreamBody::new(FileBody::new(file, length).map_err(not_read))
        }
    });
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_static(target.resource().content_type());
    headers.insert(CONTENT_TYPE, content_type);
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

fn not_read(error: io::Error) -> UpstreamError {
    match error.kind() {
        // The last one is of a name that is longer than any file's.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
            UpstreamError::new(Kind::NoFile)
        }
        _ => UpstreamError::caused(Kind::File, error.into()),
    }
}
