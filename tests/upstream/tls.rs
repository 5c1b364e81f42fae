//! TLS and HTTP/2 with real sockets.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::ask::{LIST, ZIP, answer_of, get, read, request};
use crate::server::{Gate, Server, Tls, ok};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, RANGE};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tower_goproxy::Upstream;
use tower_goproxy::upstream::{Client, UpstreamBody};

fn trusting(list: &str, certificate: &str) -> Upstream {
    let client = Client::with_roots(certificate).unwrap();
    Upstream::with_client(list, client).unwrap().retries(0)
}

#[tokio::test]
async fn a_trusted_registry_answers_over_tls() {
    let server = Server::start_tls(|_| ok("v1.0.0\n")).await;
    let upstream = trusting(&server.https(), server.certificate.as_ref().unwrap());
    assert_eq!(answer_of(&upstream, LIST).await.1, "v1.0.0\n");
    assert_eq!(answer_of(&upstream, LIST).await.1, "v1.0.0\n");
    assert_eq!(server.seen()[1].connection, 0, "connections are used again");
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_a_bad_gateway() {
    let server = Server::start_tls(|_| ok("")).await;
    let other = Server::start_tls(|_| ok("")).await;
    let upstream = trusting(&server.https(), other.certificate.as_ref().unwrap());
    let error = upstream.try_call(&request(LIST)).await.unwrap_err();
    assert_eq!(error.status(), 502);
    let mut cause: &dyn std::error::Error = &error;
    let mut causes = String::new();
    while let Some(next) = cause.source() {
        causes = format!("{causes}: {next}");
        cause = next;
    }
    assert!(
        causes.contains("certificate"),
        "operators see why: {causes}"
    );
    assert!(!error.reason().contains("certificate"));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_certificate_for_another_name_is_a_bad_gateway() {
    let server = Server::start_tls(|_| ok("")).await;
    let list = format!("https://[::ffff:127.0.0.1]:{}", server.address.port());
    let upstream = trusting(&list, server.certificate.as_ref().unwrap());
    assert_eq!(get(&upstream, LIST).await.status(), 502);
    assert!(server.seen().is_empty());
}

#[test]
fn text_without_a_certificate_is_no_trust() {
    for (pem, cause) in [
        ("", "no root certificate in the PEM text"),
        ("nonsense", "no root certificate in the PEM text"),
    ] {
        assert_eq!(Client::with_roots(pem).unwrap_err().to_string(), cause);
    }
}

type Parts = UnsyncBoxBody<Bytes, io::Error>;

/// `data`, then the end behind the gate: a reset might overtake the bytes before it.
fn parts(data: &'static str, gate: Gate, end: io::Result<()>) -> Parts {
    let data = stream::once(async move { Ok(Frame::data(Bytes::from(data))) });
    let end = stream::once(async move {
        gate.pass().await;
        end
    });
    let end = end.filter_map(|end| async move { end.err().map(Err) });
    StreamBody::new(data.chain(end)).boxed_unsync()
}

fn reset() -> io::Result<()> {
    Err(io::Error::other("reset by the test"))
}

fn whole(data: &'static str) -> Parts {
    let gate = Gate::closed();
    gate.open_once();
    parts(data, gate, Ok(()))
}

/// A registry that speaks HTTP/2 only; tells its address, its certificate and the number of its connections.
async fn http2(
    answer: impl Fn(&Request<Incoming>) -> Response<Parts> + Send + Sync + 'static,
) -> (SocketAddr, String, Arc<AtomicUsize>) {
    let tls = Tls::for_names(vec!["localhost".to_owned()], &[b"h2"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::<AtomicUsize>::default();
    let (count, answer) = (Arc::clone(&connections), Arc::new(answer));
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::Relaxed);
            let stream = tls.acceptor.accept(tcp).await.unwrap();
            let answer = Arc::clone(&answer);
            let service = service_fn(move |request| {
                let response = answer(&request);
                async move { Ok::<_, Infallible>(response) }
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, tls.certificate, connections)
}

fn localhost(address: SocketAddr) -> String {
    format!("https://localhost:{}", address.port())
}

#[tokio::test]
async fn http2_is_negotiated_and_one_connection_carries_all() {
    let (address, certificate, connections) = http2(|request| {
        assert_eq!(request.version(), http::Version::HTTP_2);
        Response::new(whole("v1.0.0\n"))
    })
    .await;
    let upstream = trusting(&localhost(address), &certificate);
    for _ in 0..20 {
        let response = get(&upstream, LIST).await;
        assert_eq!(read(response).await.unwrap(), b"v1.0.0\n");
    }
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

/// Reads one part, opens the gate, and tells whether the body broke behind it.
async fn breaks_behind_the_first_part(response: Response<UpstreamBody>, gate: &Gate) -> bool {
    let mut body = response.into_body();
    let part = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(part, "012345");
    gate.open_once();
    body.frame().await.is_some_and(|frame| frame.is_err())
}

#[tokio::test]
async fn a_stream_that_is_reset_breaks_the_body_with_and_without_a_length() {
    let gate = Gate::closed();
    let inner = gate.clone();
    let (address, certificate, _) = http2(move |request| {
        let mut response = Response::new(parts("012345", inner.clone(), reset()));
        if request.uri().path() == ZIP {
            response.headers_mut().insert(CONTENT_LENGTH, 10.into());
        }
        response
    })
    .await;
    let upstream = trusting(&localhost(address), &certificate);
    for path in [ZIP, "/example.com/m/@v/v1.0.1.zip"] {
        assert!(
            breaks_behind_the_first_part(get(&upstream, path).await, &gate).await,
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_stream_that_ends_short_of_its_length_breaks_the_body() {
    let gate = Gate::closed();
    let inner = gate.clone();
    let (address, certificate, _) = http2(move |_| {
        let mut response = Response::new(parts("012345", inner.clone(), Ok(())));
        response.headers_mut().insert(CONTENT_LENGTH, 10.into());
        response
    })
    .await;
    let upstream = trusting(&localhost(address), &certificate);
    assert!(breaks_behind_the_first_part(get(&upstream, ZIP).await, &gate).await);
}

#[tokio::test]
async fn a_body_over_http2_is_resumed() {
    let gate = Gate::closed();
    let inner = gate.clone();
    let (address, certificate, _) = http2(move |request| {
        let mut response = match request.headers().get(RANGE) {
            None => Response::new(parts("012345", inner.clone(), reset())),
            Some(range) => {
                assert_eq!(range, "bytes=6-");
                let mut response = Response::new(whole("6789"));
                *response.status_mut() = StatusCode::PARTIAL_CONTENT;
                let range = HeaderValue::from_static("bytes 6-9/10");
                response.headers_mut().insert(CONTENT_RANGE, range);
                response
            }
        };
        let length = if response.status() == StatusCode::OK {
            10
        } else {
            4
        };
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
        response
            .headers_mut()
            .insert(ETAG, HeaderValue::from_static("\"e\""));
        response
    })
    .await;
    let response = get(&trusting(&localhost(address), &certificate), ZIP).await;
    gate.open_once();
    assert_eq!(read(response).await.unwrap(), b"0123456789");
}
