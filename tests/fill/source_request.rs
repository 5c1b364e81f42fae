//! What a source is asked: a request of the proxy's own making.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body::Body as _;
use http_body_util::{Empty, Full};
use tower::{ServiceBuilder, service_fn};
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;

use super::fixtures::module_file;
use super::support::{ask, request};

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tenant(&'static str);

/// Asks with everything that a client may send, and gives what the source got.
async fn source_gets(method: Method, path: &str) -> Request<Empty<Bytes>> {
    let got = Arc::new(Mutex::new(Vec::new()));
    let record = Arc::clone(&got);
    let source = service_fn(move |request: Request<Empty<Bytes>>| {
        record.lock().unwrap().push(request);
        async { Ok::<_, Infallible>(Response::new(Full::new(module_file()))) }
    });
    let layer = FillLayer::new(Storage::memory()).area(Area::Included);
    let proxy = ServiceBuilder::new().layer(layer.clone()).service(source);
    let mut asked = request(
        method,
        &format!("{path}?go-get=1&secret=x"),
        &[
            ("authorization", "Basic dXNlcjpwYXNz"),
            ("cookie", "session=1"),
            ("proxy-authorization", "Basic dXNlcjpwYXNz"),
            ("range", "bytes=0-9"),
            ("if-range", "\"x\""),
            ("if-none-match", "\"x\""),
            ("if-match", "\"x\""),
            ("if-modified-since", "Mon, 01 Jan 2024 00:00:00 GMT"),
            ("if-unmodified-since", "Mon, 01 Jan 2024 00:00:00 GMT"),
            ("accept-encoding", "gzip, br"),
            ("accept", "text/html"),
            ("user-agent", "Go-http-client/1.1"),
            ("disable-module-fetch", "false"),
            ("host", "proxy.test"),
            ("x-forwarded-for", "192.0.2.1"),
            ("te", "trailers"),
        ],
    );
    *asked.version_mut() = Version::HTTP_2;
    asked.extensions_mut().insert(Tenant("payments"));
    ask(&proxy, asked).await;
    layer.fills().idle().await;
    let mut got = std::mem::take(&mut *got.lock().unwrap());
    assert_eq!(got.len(), 1);
    got.remove(0)
}

#[tokio::test(start_paused = true)]
async fn nothing_of_the_clients_headers_and_all_of_its_extensions() {
    for (method, path) in [
        (Method::GET, "/example.com/!mod/@v/v1.0.0.mod"),
        (Method::HEAD, "/example.com/!mod/@v/v1.0.0.mod"),
        (Method::GET, "/example.com/!mod/@v/list"),
        (Method::GET, "/example.com/!mod/@latest"),
        (Method::GET, "/example.com/!mod/@v/main.info"),
    ] {
        let got = source_gets(method.clone(), path).await;
        assert_eq!(got.method(), method);
        assert_eq!(got.uri(), path);
        let mut expected = HeaderMap::new();
        expected.insert("accept-encoding", "identity".parse().unwrap());
        assert_eq!(*got.headers(), expected);
        assert_eq!(got.extensions().get(), Some(&Tenant("payments")));
        assert!(got.body().is_end_stream());
    }
}

#[tokio::test(start_paused = true)]
async fn the_path_is_written_in_one_way() {
    for (asked, expected) in [
        (
            "/github.com/%21burnt%21sushi/toml/@v/v0.3.1.mod",
            "/github.com/!burnt!sushi/toml/@v/v0.3.1.mod",
        ),
        (
            "/example.com/old/@v/v3.0.0%2Bincompatible.mod",
            "/example.com/old/@v/v3.0.0+incompatible.mod",
        ),
        (
            "/git.example.com/%7euser/mod/%40v/v1.0.0.mod",
            "/git.example.com/~user/mod/@v/v1.0.0.mod",
        ),
    ] {
        assert_eq!(source_gets(Method::GET, asked).await.uri(), expected);
    }
}
