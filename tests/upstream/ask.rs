//! Asking an upstream, and reading what it answers.

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use tower::{Service, ServiceExt as _};
use tower_goproxy::upstream::{UpstreamBody, UpstreamError};

pub const LIST: &str = "/example.com/m/@v/list";
pub const ZIP: &str = "/example.com/m/@v/v1.0.0.zip";

pub fn request(path: &str) -> Request<Empty<Bytes>> {
    Request::builder().uri(path).body(Empty::new()).unwrap()
}

pub fn head_request(path: &str) -> Request<Empty<Bytes>> {
    let mut request = request(path);
    *request.method_mut() = Method::HEAD;
    request
}

pub async fn call<S>(upstream: &S, request: Request<Empty<Bytes>>) -> Response<UpstreamBody>
where
    S: Service<
            Request<Empty<Bytes>>,
            Response = Response<UpstreamBody>,
            Error = std::convert::Infallible,
        > + Clone,
{
    match upstream.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

pub async fn get<S>(upstream: &S, path: &str) -> Response<UpstreamBody>
where
    S: Service<
            Request<Empty<Bytes>>,
            Response = Response<UpstreamBody>,
            Error = std::convert::Infallible,
        > + Clone,
{
    call(upstream, request(path)).await
}

/// Status and text.
pub async fn answer_of<S>(upstream: &S, path: &str) -> (StatusCode, String)
where
    S: Service<
            Request<Empty<Bytes>>,
            Response = Response<UpstreamBody>,
            Error = std::convert::Infallible,
        > + Clone,
{
    let response = get(upstream, path).await;
    let status = response.status();
    let body = read(response).await.unwrap();
    (status, String::from_utf8(body).unwrap())
}

/// The whole body.
pub async fn read(response: Response<UpstreamBody>) -> Result<Vec<u8>, UpstreamError> {
    Ok(response.into_body().collect().await?.to_bytes().to_vec())
}

/// What came before the body's end, and how it ended.
pub async fn read_to_break(response: Response<UpstreamBody>) -> (Vec<u8>, Option<UpstreamError>) {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    loop {
        match body.frame().await {
            None => return (bytes, None),
            Some(Ok(frame)) => bytes.extend_from_slice(&frame.into_data().unwrap()),
            Some(Err(error)) => {
                assert!(
                    body.frame().await.is_none(),
                    "after an error there is nothing"
                );
                return (bytes, Some(error));
            }
        }
    }
}
