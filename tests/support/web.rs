//! A client over real connections.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

pub type WebClient = Client<HttpConnector, Empty<Bytes>>;

/// Speaks HTTP/2 from the first byte on, or HTTP/1.1.
pub fn web_client(http2: bool) -> WebClient {
    Client::builder(TokioExecutor::new())
        .http2_only(http2)
        .build_http()
}

/// The head of the answer, and its body to be read.
pub async fn fetch(client: &WebClient, url: &str) -> Response<Incoming> {
    let request = Request::get(url).body(Empty::new());
    let request = request.expect("a test's URL is well-formed");
    client.request(request).await.expect("a head arrives")
}
