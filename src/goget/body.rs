//! The body of a response.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::file::FileParts;
use super::observe;

/// The body of a response of [`GoGet`](super::GoGet).
///
/// Its size hint is exact, and it ends cleanly only after that many bytes. The default is an empty body.
///
/// ```
/// use http_body::Body;
/// use tower_goproxy::goget::GoGetBody;
///
/// assert_eq!(GoGetBody::default().size_hint().exact(), Some(0));
/// ```
///
/// # Cancel safety
///
/// No part is lost between polls.
#[derive(Default)]
pub struct GoGetBody(Inner);

#[derive(Default)]
enum Inner {
    #[default]
    Empty,
    Text(Bytes),
    File(Box<FileParts>),
}

impl GoGetBody {
    pub(super) fn text(text: Bytes) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        Self(Inner::Text(text))
    }

    pub(super) fn file(parts: FileParts) -> Self {
        Self(Inner::File(Box::new(parts)))
    }
}

impl Body for GoGetBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let part = match &mut self.0 {
            Inner::Empty => return Poll::Ready(None),
            Inner::Text(text) => {
                let text = std::mem::take(text);
                self.0 = Inner::Empty;
                Poll::Ready(Some(Ok(text)))
            }
            Inner::File(parts) => parts.poll_next(cx),
        };
        if let Poll::Ready(Some(Err(error))) = &part {
            observe::broken(error);
        }
        part.map(|part| part.map(|part| part.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Empty => true,
            Inner::Text(_) => false,
            Inner::File(parts) => parts.left() == 0,
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match &self.0 {
            Inner::Empty => 0,
            Inner::Text(text) => text.len() as u64,
            Inner::File(parts) => parts.left(),
        })
    }
}

impl fmt::Debug for GoGetBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_tuple("GoGetBody");
        match &self.0 {
            Inner::Empty => &mut debug,
            Inner::Text(text) => debug.field(text),
            Inner::File(parts) => debug.field(parts),
        }
        .finish()
    }
}
