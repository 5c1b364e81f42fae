//! A source in this process that has one file and counts who asks.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use tokio::sync::Semaphore;
use tower::service_fn;
use tower::util::BoxCloneSyncService;

pub type Body = UnsyncBoxBody<Bytes, Infallible>;
pub type Source = BoxCloneSyncService<Request<Empty<Bytes>>, Response<Body>, Infallible>;

/// Sends its file in parts, of 64 KiB unless told otherwise, to everybody who asks for anything. Clones share the count.
#[derive(Clone, Debug)]
pub struct PlainSource {
    file: Bytes,
    part: usize,
    declares: bool,
    asked: Arc<AtomicUsize>,
    gate: Arc<Semaphore>,
}

impl PlainSource {
    pub fn new(file: impl Into<Bytes>) -> Self {
        Self {
            file: file.into(),
            part: 64 * 1024,
            declares: true,
            asked: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        }
    }

    /// Sends so many bytes in each frame.
    pub fn parts_of(mut self, bytes: usize) -> Self {
        self.part = bytes;
        self
    }

    /// Says no length.
    pub fn undeclared(mut self) -> Self {
        self.declares = false;
        self
    }

    /// Sends nothing but the head before [`open`](Self::open).
    pub fn closed(mut self) -> Self {
        self.gate = Arc::new(Semaphore::new(0));
        self
    }

    /// Lets this many parts pass.
    pub fn allow(&self, parts: usize) {
        self.gate.add_permits(parts);
    }

    /// Lets everything pass from now on.
    pub fn open(&self) {
        self.gate.close();
    }

    /// How often it was asked.
    pub fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    pub fn file(&self) -> &Bytes {
        &self.file
    }

    pub fn service(&self) -> Source {
        let source = self.clone();
        BoxCloneSyncService::new(service_fn(move |_| {
            source.asked.fetch_add(1, Ordering::SeqCst);
            let mut response = Response::new(source.body());
            if source.declares {
                let len = source.file.len().into();
                response.headers_mut().insert("content-length", len);
            }
            std::future::ready(Ok(response))
        }))
    }

    fn body(&self) -> Body {
        let (gate, size) = (Arc::clone(&self.gate), self.part);
        let parts = stream::unfold(self.file.clone(), move |mut rest| {
            let gate = Arc::clone(&gate);
            async move {
                if rest.is_empty() {
                    return None;
                }
                // A closed semaphore is an open gate.
                if let Ok(permit) = gate.acquire().await {
                    permit.forget();
                }
                let part = rest.split_to(rest.len().min(size));
                Some((Ok(Frame::data(part)), rest))
            }
        });
        StreamBody::new(parts).boxed_unsync()
    }
}
