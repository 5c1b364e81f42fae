//! A client service that answers from a script, without a socket: for tests with paused time.

use std::collections::VecDeque;
use std::future::Ready;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use tower::{BoxError, Service};

pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// What the service does with one request.
pub enum Turn {
    Answer(Response<Body>),
    Fail(&'static str),
    Hang,
}

/// One step of a body.
pub enum Part {
    Data(&'static str),
    /// Nothing for so many seconds of paused time.
    Seconds(u64),
    Break,
    Hang,
}

pub fn body(parts: impl IntoIterator<Item = Part>) -> Body {
    let parts: Vec<Part> = parts.into_iter().collect();
    let frames = stream::iter(parts).then(|part| async move {
        match part {
            // An empty part is none to the reader.
            Part::Seconds(seconds) => {
                tokio::time::sleep(Duration::from_secs(seconds)).await;
                Ok(Frame::data(Bytes::new()))
            }
            Part::Data(data) => Ok(Frame::data(Bytes::from(data))),
            Part::Break => Err(BoxError::from("connection reset by script")),
            Part::Hang => std::future::pending().await,
        }
    });
    StreamBody::new(frames).boxed_unsync()
}

/// A 200, or a 206 if `headers` has a content-range.
pub fn turn(headers: &[(&str, &str)], parts: impl IntoIterator<Item = Part>) -> Turn {
    let partial = headers.iter().any(|(name, _)| *name == "content-range");
    status(if partial { 206 } else { 200 }, headers, parts)
}

pub fn status(
    status: u16,
    headers: &[(&str, &str)],
    parts: impl IntoIterator<Item = Part>,
) -> Turn {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    Turn::Answer(response.body(body(parts)).unwrap())
}

/// Takes one turn per request.
#[derive(Clone, Default)]
pub struct Script {
    turns: Arc<Mutex<VecDeque<Turn>>>,
    seen: Arc<Mutex<Vec<Request<()>>>>,
}

impl Script {
    pub fn new(turns: impl IntoIterator<Item = Turn>) -> Self {
        let script = Self::default();
        script.turns.lock().unwrap().extend(turns);
        script
    }

    /// The URI of each request.
    pub fn uris(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .map(|request| request.uri().to_string())
            .collect()
    }

    /// A header of each request.
    pub fn headers(&self, name: &str) -> Vec<Option<String>> {
        let seen = self.seen.lock().unwrap();
        let value = |request: &Request<()>| {
            let value = request.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        seen.iter().map(value).collect()
    }

    /// Whether a header of each request is marked as a secret.
    pub fn secret(&self, name: &str) -> Vec<bool> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .map(|request| request.headers()[name].is_sensitive())
            .collect()
    }

    /// An extension of each request.
    pub fn extensions<T: Clone + Send + Sync + 'static>(&self) -> Vec<Option<T>> {
        let seen = self.seen.lock().unwrap();
        seen.iter()
            .map(|request| request.extensions().get().cloned())
            .collect()
    }
}

impl Service<Request<Empty<Bytes>>> for Script {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Turned;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Empty<Bytes>>) -> Turned {
        self.seen.lock().unwrap().push(request.map(drop));
        match self.turns.lock().unwrap().pop_front() {
            Some(Turn::Answer(response)) => Turned(Some(std::future::ready(Ok(response)))),
            Some(Turn::Fail(why)) => Turned(Some(std::future::ready(Err(why.into())))),
            Some(Turn::Hang) => Turned(None),
            None => panic!("the script has no turn for this request"),
        }
    }
}

/// One that never ends for a turn that hangs.
pub struct Turned(Option<Ready<Result<Response<Body>, BoxError>>>);

impl Future for Turned {
    type Output = Result<Response<Body>, BoxError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Some(ready) => Pin::new(ready).poll(cx),
            None => Poll::Pending,
        }
    }
}
