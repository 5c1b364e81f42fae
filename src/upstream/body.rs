//! The body of a response.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::error::UpstreamError;
use super::file::FileParts;
use super::flow::Flow;

/// The body of a response of [`Upstream`](super::Upstream).
///
/// It ends cleanly only after all bytes of its declared length; otherwise it ends with an [`UpstreamError`]. Where no
/// length was declared, it ends where the upstream says so. Its size hint is exact where the length is
/// known. The default is an empty body.
///
/// ```
/// use http_body::Body;
/// use tower_goproxy::upstream::UpstreamBody;
///
/// assert_eq!(UpstreamBody::default().size_hint().exact(), Some(0));
/// ```
///
/// # Cancel safety
///
/// Dropping it ends the request to the upstream. No part is lost between polls.
#[derive(Default)]
pub struct UpstreamBody(Inner);

#[derive(Default)]
enum Inner {
    #[default]
    Empty,
    Text(Bytes),
    File(Box<FileParts>),
    Flow(Box<Flow>),
}

impl UpstreamBody {
    pub(super) fn text(text: String) -> Self {
        Self(Inner::Text(text.into()))
    }

    pub(super) fn file(parts: FileParts) -> Self {
        Self(Inner::File(Box::new(parts)))
    }

    pub(super) fn flow(flow: Flow) -> Self {
        Self(Inner::Flow(Box::new(flow)))
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        let part = match &mut self.0 {
            Inner::Empty => return Poll::Ready(None),
            Inner::Text(text) => {
                let text = std::mem::take(text);
                self.0 = Inner::Empty;
                Poll::Ready(Some(Ok(text)))
            }
            Inner::File(parts) => parts.poll_next(cx),
            Inner::Flow(flow) => flow.poll_next(cx),
        };
        part.map(|part| part.map(|part| part.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Inner::Empty => true,
            Inner::Text(_) => false,
            Inner::File(parts) => parts.left() == 0,
            Inner::Flow(flow) => flow.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Empty => SizeHint::with_exact(0),
            Inner::Text(text) => SizeHint::with_exact(text.len() as u64),
            Inner::File(parts) => SizeHint::with_exact(parts.left()),
            Inner::Flow(flow) => flow.size_hint(),
        }
    }
}

impl fmt::Debug for UpstreamBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_tuple("UpstreamBody");
        match &self.0 {
            Inner::Empty => &mut debug,
            Inner::Text(text) => debug.field(text),
            Inner::File(parts) => debug.field(parts),
            Inner::Flow(flow) => debug.field(flow),
        }
        .finish()
    }
}
