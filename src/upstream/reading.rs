//! A flow as the body of a response.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http_body::{Body, Frame, SizeHint};

use super::error::UpstreamError;
use super::flow::Flow;
use super::observe;

pub(super) struct Reading {
    parts: BoxStream<'static, Result<Bytes, UpstreamError>>,
    /// How many bytes are to come, where that is known.
    left: Option<u64>,
    file: Arc<str>,
}

impl Reading {
    /// A flow behind its `first` bytes, which were read before the head went out.
    pub(super) fn new(first: Bytes, flow: Flow) -> Self {
        let left = flow.left().map(|left| left + first.len() as u64);
        let file = Arc::clone(&flow.file);
        let rest = stream::unfold(flow, |mut flow| async {
            let part = flow.next().await.transpose()?;
            Some((part, flow))
        });
        Self {
            parts: stream::iter([Ok(first)]).chain(rest).boxed(),
            left,
            file,
        }
    }
}

impl Body for Reading {
    type Data = Bytes;
    type Error = UpstreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, UpstreamError>>> {
        if self.left == Some(0) {
            return Poll::Ready(None);
        }
        let part = ready!(self.parts.poll_next_unpin(cx));
        self.left = match &part {
            Some(Ok(part)) => self.left.map(|left| left - part.len() as u64),
            Some(Err(error)) => {
                observe::broken(&self.file, error);
                Some(0)
            }
            None => Some(0),
        };
        Poll::Ready(part.map(|part| part.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
