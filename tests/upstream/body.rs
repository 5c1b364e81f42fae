//! The body of an upstream: every byte as it comes, and no clean end before the last one.

use crate::ask::{LIST, ZIP, get, read, read_to_break};
use crate::script::Part::Data;
use crate::script::{Script, Turn, turn};
use crate::server::{Act, Gate, Server, head};
use bytes::Bytes;
use http::Response;
use http::header::CONTENT_LENGTH;
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};
use tower_goproxy::Upstream;

/// One that asks only once.
fn upstream(server: &Server) -> Upstream {
    Upstream::new(&server.http()).unwrap().retries(0)
}

#[tokio::test]
async fn a_body_passes_part_by_part_as_it_comes() {
    const PARTS: usize = 5;
    let gate = Gate::closed();
    let inner = gate.clone();
    let server = Server::start(move |_| {
        let mut script = head("200 OK", &[&format!("Content-Length: {}", PARTS * 4)]);
        for part in 0..PARTS {
            script.push(Act::Pass(inner.clone()));
            script.push(Act::Send(format!("pt{part:02}").into_bytes()));
        }
        script
    })
    .await;
    gate.open_once();
    let mut body = get(&upstream(&server), ZIP).await.into_body();
    for part in 0..PARTS {
        let frame = body.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), format!("pt{part:02}"));
        assert_eq!(
            body.size_hint().exact(),
            Some((PARTS - part - 1) as u64 * 4)
        );
        gate.open_once();
    }
    assert!(body.is_end_stream());
}

#[tokio::test]
async fn a_body_shorter_than_its_length_is_an_error_and_no_end() {
    let server = Server::start(|_| {
        let mut script = head("200 OK", &["Content-Length: 10"]);
        script.extend([Act::Send(b"012345".to_vec()), Act::Close]);
        script
    })
    .await;
    let (bytes, error) = read_to_break(get(&upstream(&server), ZIP).await).await;
    assert_eq!(bytes, b"012345");
    assert_eq!(error.unwrap().status(), 502);
}

#[tokio::test]
async fn chunks_without_their_end_are_an_error_and_no_end() {
    let server = Server::start(|_| {
        let mut script = head("200 OK", &["Transfer-Encoding: chunked"]);
        script.extend([Act::Send(b"6\r\n012345\r\n".to_vec()), Act::Close]);
        script
    })
    .await;
    let (bytes, error) = read_to_break(get(&upstream(&server), ZIP).await).await;
    assert_eq!(bytes, b"012345");
    assert!(error.is_some());
}

#[tokio::test]
async fn a_body_that_only_its_connection_ends_is_taken_only_where_a_cut_shows() {
    for of_head in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\n",
        "HTTP/1.0 200 OK\r\n",
        // Codings that do not show an end either.
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    ] {
        let server = Server::start(move |_| {
            vec![
                Act::Send(format!("{of_head}\r\nall there is").into_bytes()),
                Act::Close,
            ]
        })
        .await;
        let upstream = upstream(&server);
        for (path, taken) in [
            (ZIP, true),
            ("/a.b/c/@v/v1.0.0.info", true),
            ("/a.b/c/@latest", true),
            ("/a.b/c/@v/v1.0.0.mod", false),
            (LIST, false),
        ] {
            let response = get(&upstream, path).await;
            if taken {
                let body = read(response).await.unwrap();
                assert_eq!(body, b"all there is", "{path} {of_head}");
            } else {
                assert_eq!(response.status(), 502, "{path} {of_head}");
            }
        }
    }
}

#[tokio::test]
async fn a_length_that_only_the_client_service_knows_is_told() {
    let body = Full::new(Bytes::from("abc")).map_err(|never| match never {});
    let script = Script::new([
        Turn::Answer(Response::new(body.boxed_unsync())),
        turn(&[("content-length", "+3")], [Data("abc")]),
    ]);
    let upstream = Upstream::with_client("https://a.test", script).unwrap();
    let response = get(&upstream, ZIP).await;
    assert_eq!(response.headers()[CONTENT_LENGTH], "3");
    assert_eq!(read(response).await.unwrap(), b"abc");
    let response = get(&upstream, ZIP).await;
    assert!(
        !response.headers().contains_key(CONTENT_LENGTH),
        "`+3` is no length"
    );
}
