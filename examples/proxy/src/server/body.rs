//! The body of a response, which tells the watch of its connection who is waited for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};

use super::watch::{Exchange, Flow};
use crate::places::Place;

/// What a response holds, until its last byte has left. The body may be gone long before: of a small file HTTP/2 keeps all
/// bytes for which the client has given no window, once it has given one for the first of them.
#[derive(Debug)]
struct Held {
    flow: Arc<Flow>,
    exchange: Exchange,
    _place: Option<Place>,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.exchange.0.body_ended(&self.flow);
    }
}

/// Bytes that are not at the socket yet.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Bytes,
    held: Arc<Held>,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.held.flow.count(count);
    }
}

#[derive(Debug)]
pub(super) struct WatchedBody {
    body: Body,
    held: Arc<Held>,
}

impl WatchedBody {
    pub(super) fn new(body: Body, exchange: Exchange, place: Option<Place>) -> Self {
        let held = Held {
            flow: exchange.0.body(),
            exchange,
            _place: place,
        };
        Self {
            body,
            held: Arc::new(held),
        }
    }
}

impl http_body::Body for WatchedBody {
    type Data = Piece;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, axum::Error>>> {
        let this = &mut *self;
        // Who polls has room for more: now it is the source's turn.
        this.held.flow.waits_for_client(false);
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        // Also after the last one, until all are gone.
        this.held.flow.waits_for_client(true);
        let piece = |bytes| Piece {
            bytes,
            held: Arc::clone(&this.held),
        };
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
