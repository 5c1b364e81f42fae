//! The body of a response, which tells the watch of its connection who is waited for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::watch::{Exchange, Flow};

#[derive(Debug)]
pub(super) struct WatchedBody {
    body: Body,
    flow: Arc<Flow>,
    exchange: Exchange,
    _permit: Option<OwnedSemaphorePermit>,
}

impl WatchedBody {
    pub(super) fn new(
        body: Body,
        exchange: Exchange,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        Self {
            body,
            flow: exchange.0.body(),
            exchange,
            _permit: permit,
        }
    }
}

impl http_body::Body for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        // Who polls has taken the last frame: now it is the source's turn.
        this.flow.waits_for_client(false);
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            let len = frame.data_ref().map_or(0, Bytes::len);
            this.flow.moved(len, true);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        self.exchange.0.body_ended(&self.flow);
    }
}
