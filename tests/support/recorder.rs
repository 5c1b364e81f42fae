//! A service in this process that remembers what it was asked.

// Each test binary uses a part of it.
#![allow(dead_code)]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use axum::body::Body;
use http::{Request, Response, request};
use tower::Service;

type Answer = Arc<dyn Fn(&request::Parts) -> Response<Body> + Send + Sync>;

/// Answers as a test says. Clones share what they have seen.
#[derive(Clone)]
pub struct Recorder {
    answer: Answer,
    seen: Arc<Mutex<Vec<request::Parts>>>,
}

impl Recorder {
    pub fn new(answer: impl Fn(&request::Parts) -> Response<Body> + Send + Sync + 'static) -> Self {
        Self {
            answer: Arc::new(answer),
            seen: Arc::default(),
        }
    }

    /// Answers 200 with the same body, whatever it is asked.
    pub fn saying(body: &'static str) -> Self {
        Self::new(move |_| Response::new(Body::from(body)))
    }

    /// All requests so far, without their bodies.
    pub fn seen(&self) -> Vec<request::Parts> {
        self.seen.lock().expect("no holder panics").clone()
    }

    /// The URIs of all requests so far.
    pub fn uris(&self) -> Vec<String> {
        self.seen()
            .iter()
            .map(|request| request.uri.to_string())
            .collect()
    }

    pub fn is_untouched(&self) -> bool {
        self.seen().is_empty()
    }
}

impl<B> Service<Request<B>> for Recorder {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (parts, _) = request.into_parts();
        let response = (self.answer)(&parts);
        self.seen.lock().expect("no holder panics").push(parts);
        ready(Ok(response))
    }
}
