//! An upstream where it is used: as a leaf of an axum router, over a real connection.

use crate::ask::{ZIP, answer_of, get, read_to_break};
use crate::server::{Act, Server, head, ok};
use ::axum::Router;
use tower::limit::ConcurrencyLimitLayer;
use tower_goproxy::Upstream;
use tower_goproxy::upstream::{
    Client, InvalidUpstream, ResponseFuture, UpstreamBody, UpstreamError,
};

fn all<T: Send + Sync + std::fmt::Debug + 'static>() {}
fn sendable<T: Send + std::fmt::Debug + 'static>() {}

#[test]
fn all_types_go_between_threads_and_show_themselves() {
    all::<Upstream>();
    all::<Client>();
    all::<UpstreamError>();
    all::<InvalidUpstream>();
    sendable::<UpstreamBody>();
    sendable::<ResponseFuture>();
    assert!(http_body::Body::is_end_stream(&UpstreamBody::default()));
}

/// An axum server with `upstream` at its leaf, below a path.
async fn proxy(upstream: Upstream) -> String {
    let app = Router::new()
        .nest_service("/go", upstream)
        .layer(ConcurrencyLimitLayer::new(1));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { ::axum::serve(listener, app).await });
    format!("http://{address}/go")
}

#[tokio::test]
async fn it_is_a_proxy_for_another_upstream() {
    let server = Server::start(|_| ok("zip bytes")).await;
    let front = Upstream::new(&proxy(Upstream::new(&server.http()).unwrap()).await).unwrap();
    assert_eq!(answer_of(&front, ZIP).await.1, "zip bytes");
    assert_eq!(server.seen()[0].target, ZIP);
}

#[tokio::test]
async fn a_body_that_breaks_breaks_for_the_client_too() {
    let server = Server::start(|_| {
        let mut script = head("200 OK", &["Transfer-Encoding: chunked"]);
        script.extend([Act::Send(b"3\r\nabc\r\n".to_vec()), Act::Close]);
        script
    })
    .await;
    let front = Upstream::new(&proxy(Upstream::new(&server.http()).unwrap()).await).unwrap();
    let response = get(&front.retries(0), ZIP).await;
    // The break may come before the client has seen the first part.
    assert!(response.status() != 200 || read_to_break(response).await.1.is_some());
}
