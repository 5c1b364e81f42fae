//! A request, and what came of it.

use std::fmt::Debug;

use axum::body::Body;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tower::{Service, ServiceExt as _};
use tower_goproxy::filter::AppliedRule;
use tower_goproxy::policy::Rules;

/// A response that was read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub applied: Option<AppliedRule>,
    pub text: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| {
            value.to_str().expect("this header value is ASCII")
        })
    }

    /// One line that the go command shows.
    pub fn is_a_line(&self, status: StatusCode, line: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(self.header("content-length"), self.text.len().to_string());
        assert_eq!(self.text, format!("{line}\n"));
    }
}

pub async fn ask<S, B>(service: &S, method: Method, uri: &str) -> Answer
where
    S: Service<Request<Body>, Response = Response<B>, Error: Debug> + Clone,
    B: http_body::Body<Data = Bytes, Error: Debug>,
{
    let request = Request::builder().method(method).uri(uri);
    send(
        service,
        request.body(Body::empty()).expect("a good request"),
    )
    .await
}

pub async fn get<S, B>(service: &S, uri: &str) -> Answer
where
    S: Service<Request<Body>, Response = Response<B>, Error: Debug> + Clone,
    B: http_body::Body<Data = Bytes, Error: Debug>,
{
    ask(service, Method::GET, uri).await
}

pub async fn send<S, B>(service: &S, request: Request<Body>) -> Answer
where
    S: Service<Request<Body>, Response = Response<B>, Error: Debug> + Clone,
    B: http_body::Body<Data = Bytes, Error: Debug>,
{
    let response = service.clone().oneshot(request).await;
    let (head, body) = response.expect("this service has an answer").into_parts();
    let body = body.collect().await.expect("this body is whole").to_bytes();
    Answer {
        status: head.status,
        headers: head.headers,
        applied: head.extensions.get().cloned(),
        text: String::from_utf8(body.into()).expect("this body is text"),
    }
}

pub fn rules(rules: &str) -> Rules {
    Rules::parse(rules).expect("the test's rules are well-formed")
}
