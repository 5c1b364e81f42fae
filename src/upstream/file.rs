//! `file://` entries: a directory in the layout of a static registry.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Response};
use tokio::fs::File;
use tokio::io::{AsyncRead, ReadBuf};

use super::body::UpstreamBody;
use super::error::{Kind, UpstreamError};
use super::observe;
use crate::target::Target;

const PART: usize = 64 * 1024;

/// Answers with the file of a target below `directory`.
pub(super) async fn open(
    directory: &Path,
    method: &Method,
    target: &Target<'_>,
) -> Result<Response<UpstreamBody>, UpstreamError> {
    let file = File::open(directory.join(target.as_str()))
        .await
        .map_err(not_read)?;
    let metadata = file.metadata().await.map_err(not_read)?;
    if !metadata.is_file() {
        return Err(not_found());
    }
    let length = metadata.len();
    let body = match *method {
        Method::HEAD => UpstreamBody::default(),
        _ => UpstreamBody::file(FileParts {
            file,
            left: length,
            length,
            part: BytesMut::new(),
        }),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static(target.resource().content_type()),
    );
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

fn not_found() -> UpstreamError {
    UpstreamError::new(Kind::NotFound {
        gone: false,
        text: None,
    })
}

fn not_read(error: io::Error) -> UpstreamError {
    match error.kind() {
        // The last one is of a name that is longer than any file's.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename => {
            not_found()
        }
        _ => UpstreamError::caused(Kind::File, error.into()),
    }
}

/// The bytes of a file, read on blocking threads.
#[derive(Debug)]
pub(super) struct FileParts {
    file: File,
    left: u64,
    length: u64,
    part: BytesMut,
}

impl FileParts {
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, UpstreamError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let want = usize::try_from(self.left).map_or(PART, |left| left.min(PART));
        self.part.resize(want, 0);
        let mut buf = ReadBuf::new(&mut self.part);
        let read = ready!(Pin::new(&mut self.file).poll_read(cx, &mut buf));
        let got = buf.filled().len();
        let error = match read {
            Ok(()) if got > 0 => {
                self.left -= got as u64;
                return Poll::Ready(Some(Ok(self.part.split_to(got).freeze())));
            }
            Ok(()) => UpstreamError::new(Kind::Short {
                got: self.length - self.left,
                declared: self.length,
            }),
            Err(error) => UpstreamError::caused(Kind::File, error.into()),
        };
        self.left = 0;
        observe::broken(&error);
        Poll::Ready(Some(Err(error)))
    }
}
