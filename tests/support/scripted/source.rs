//! The same answers without a socket: a source in this process, for tests with paused time.

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty};
use tokio::sync::watch;
use tower::Service;

use super::super::requests::{Recorded, Requests};
use super::answer::Answer;
use super::http2;
use super::registry::Script;

pub type SourceBody = UnsyncBoxBody<Bytes, io::Error>;

/// A source that answers by a script. Clones are the same source.
///
/// A part counts as sent, at a [`Gate`](super::Gate), once it has been polled out of the body.
#[derive(Clone)]
pub struct Source {
    requests: Requests,
    script: Script,
    bodies: watch::Sender<usize>,
}

impl Source {
    pub fn new(script: impl Fn(&Recorded) -> Answer + Send + Sync + 'static) -> Self {
        Self {
            requests: Requests::new(),
            script: Arc::new(script),
            bodies: watch::Sender::new(0),
        }
    }

    /// This answer for this decoded path, 404 for all others.
    pub fn serving(path: impl Into<String>, answer: Answer) -> Self {
        let path = path.into();
        Self::new(move |request| {
            if request.path == path {
                answer.clone()
            } else {
                Answer::text(StatusCode::NOT_FOUND, "not found")
            }
        })
    }

    pub fn requests(&self) -> &Requests {
        &self.requests
    }

    /// Waits until nobody holds the body of any answer of this source.
    pub async fn let_go(&self) {
        self.bodies
            .subscribe()
            .wait_for(|bodies| *bodies == 0)
            .await
            .expect("the sender lives as long as this source");
    }
}

impl<B> Service<Request<B>> for Source {
    type Response = Response<SourceBody>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Response<SourceBody>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let request = self.requests.record(request.into_parts().0);
        let answer = (self.script)(&request);
        let held = Held::new(&self.bodies);
        Box::pin(async move {
            let response = http2::respond(answer).await?;
            if request.method == Method::HEAD {
                return Ok(response.map(|_| Empty::new().map_err(|e| match e {}).boxed_unsync()));
            }
            Ok(response.map(|body| {
                body.map_frame(move |frame| {
                    let _ = &held;
                    frame
                })
                .boxed_unsync()
            }))
        })
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

/// Counts an answer, from the request until its body is dropped.
struct Held(watch::Sender<usize>);

impl Held {
    fn new(bodies: &watch::Sender<usize>) -> Self {
        bodies.send_modify(|bodies| *bodies += 1);
        Self(bodies.clone())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.send_modify(|bodies| *bodies -= 1);
    }
}
