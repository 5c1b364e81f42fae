//! Requests to a service in this process, and what comes back.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use tower::{BoxError, Service, ServiceExt as _};

pub fn get(path: &str) -> Request<()> {
    request(Method::GET, path, &[])
}

pub fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> Request<()> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a test's request is well-formed")
}

/// The head of the answer, and its body to be read.
pub async fn ask<S, B>(service: &S, request: Request<()>) -> Response<B>
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible> + Clone,
{
    let Ok(response) = service.clone().oneshot(request).await;
    response
}

/// The whole body, if it ends well.
pub async fn whole<B>(body: B) -> Result<Bytes, BoxError>
where
    B: Body<Data = Bytes, Error = BoxError>,
{
    body.collect().await.map(|body| body.to_bytes())
}

/// Reads until there are at least `len` bytes; fewer if the body ends well before.
pub async fn read<B>(body: &mut B, len: usize) -> Result<Bytes, B::Error>
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut bytes = BytesMut::new();
    while bytes.len() < len {
        let Some(frame) = body.frame().await else {
            break;
        };
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes.freeze())
}

/// Fails a test that waits for something that never comes. Nothing is measured with it: where
/// time is paused, it ends as soon as nothing else can happen.
pub async fn within<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(24 * 3600), test)
        .await
        .expect("the test waits for something that never comes")
}

/// The same where time is not paused, because there are sockets.
pub async fn within_minutes<T>(test: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), test)
        .await
        .expect("the test waits for something that never comes")
}

/// Returns once nothing else can happen before the test does something. For paused time only,
/// which moves exactly then.
pub async fn quiet() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}
