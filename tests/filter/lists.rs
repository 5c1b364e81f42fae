//! Lists of any length: what is read, in which pieces, and what a client sees of a list that goes wrong.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::BodyExt as _;
use tower::{Layer as _, ServiceExt as _};
use tower_goproxy::NotFound;
use tower_goproxy::filter::{Filter, FilterLayer};

use crate::ask::{ask, get, rules};
use crate::recorder::Recorder;
use crate::registry::get_and_head;

const MIB: usize = 1024 * 1024;

fn excluding(source: &Recorder) -> Filter<Recorder, NotFound> {
    FilterLayer::new(rules("D example.com\n- example.com/m v1.0.7"), NotFound).layer(source.clone())
}

/// Lines up to this many bytes, each version in it once.
fn lines(bytes: usize) -> String {
    let mut list = String::with_capacity(bytes);
    for patch in 0.. {
        let line = format!("v1.0.{patch}\n");
        if list.len() + line.len() > bytes {
            return list;
        }
        list.push_str(&line);
    }
    unreachable!("there is no end of numbers")
}

const LINE: usize = 512;

/// A version and more, in one line of [`LINE`] bytes.
fn long_line(version: &str) -> String {
    let more = LINE - version.len() - 2;
    format!("{version} {}\n", "x".repeat(more))
}

/// A list without end, of one version.
fn endless(version: &str) -> Recorder {
    let lines = Bytes::from(long_line(version).repeat(1_000));
    Recorder::new(move |_| {
        let lines = stream::repeat(lines.clone()).map(Ok::<_, Infallible>);
        Response::new(Body::from_stream(lines))
    })
}

async fn respond(
    app: &Filter<Recorder, NotFound>,
    version: Version,
) -> Response<impl http_body::Body<Data = Bytes, Error = tower::BoxError> + Unpin + use<>> {
    let request = Request::get("/example.com/m/@v/list").version(version);
    let request = request.body(Body::empty()).unwrap();
    app.clone().oneshot(request).await.unwrap()
}

#[tokio::test]
async fn a_list_of_any_length_lacks_the_excluded_version_only() {
    for bytes in [0, 100, 15_000, 17_000, 40_000, 200_000] {
        let list: &'static str = lines(bytes).leak();
        let allowed = list.replace("v1.0.7\n", "");
        for piece in [1_000, 8_192, 2 * MIB] {
            let source = Recorder::new(move |_| {
                let pieces = list.as_bytes().chunks(piece).map(Bytes::from_static);
                Response::new(Body::from_stream(stream::iter(
                    pieces.map(Ok::<_, Infallible>),
                )))
            });
            let answer = get_and_head(&excluding(&source), "/example.com/m/@v/list").await;
            assert_eq!(answer.status, StatusCode::OK);
            assert!(answer.text == allowed, "{bytes} in pieces of {piece}");
            if allowed.len() <= 15_000 {
                let length = allowed.len().to_string();
                assert_eq!(answer.header("content-length"), length);
            }
        }
    }
}

/// nginx speaks HTTP/1.0 to a proxy behind it, unless told otherwise.
#[tokio::test]
async fn an_http10_client_is_told_the_length() {
    let list: &'static str = lines(200_000).leak();
    let response = respond(&excluding(&Recorder::saying(list)), Version::HTTP_10).await;
    let length = response.headers().get("content-length").cloned();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body == list.replace("v1.0.7\n", ""));
    assert_eq!(length.unwrap(), body.len().to_string());
}

/// One that is larger is refused, as soon as that is known.
#[tokio::test]
async fn sixteen_mib_are_read() {
    let list: &'static str = long_line("v1.0.0").repeat(16 * MIB / LINE).leak();
    let answer = get(
        &excluding(&Recorder::saying(list)),
        "/example.com/m/@v/list",
    )
    .await;
    assert!(answer.text == list);

    let declared = Recorder::new(|_| Response::new(Body::from(vec![b'\n'; 16 * MIB + 1])));
    get(&excluding(&declared), "/example.com/m/@v/list")
        .await
        .is_a_line(
            StatusCode::BAD_GATEWAY,
            "cannot filter excluded versions: upstream response is too long",
        );

    // Nothing has been sent, since there is nothing to send.
    let answer = get(&excluding(&endless("v1.0.7")), "/example.com/m/@v/list").await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);

    let response = respond(&excluding(&endless("v1.0.0")), Version::HTTP_11).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    let mut read = 0;
    let error = loop {
        match body.frame().await.expect("no clean end") {
            Ok(frame) => read += frame.into_data().unwrap().len(),
            Err(error) => break error,
        }
    };
    assert!(read <= 16 * MIB, "{read}");
    assert_eq!(error.to_string(), "upstream response is too long");
    assert!(body.frame().await.is_none());
}

#[tokio::test]
async fn a_list_that_breaks_off_never_looks_whole() {
    for (lines, version) in [
        (10, Version::HTTP_11),
        (10, Version::HTTP_10),
        (100_000, Version::HTTP_10),
        (100_000, Version::HTTP_11),
    ] {
        let part = Bytes::from("v1.0.0\n".repeat(lines));
        let source = Recorder::new(move |_| {
            let gone = std::io::Error::other("the upstream is gone");
            Response::new(Body::from_stream(stream::iter([
                Ok(part.clone()),
                Err(gone),
            ])))
        });
        let response = respond(&excluding(&source), version).await;
        // To HTTP/1.0 a connection that breaks is one that ends.
        if lines == 10 || version == Version::HTTP_10 {
            assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
            continue;
        }
        assert_eq!(response.status(), StatusCode::OK);
        let error = response.into_body().collect().await.err();
        let error = error.expect("no clean end");
        assert_eq!(error.to_string(), "upstream response broke off");
    }
}

/// A list can have a million lines, and judging one takes a microsecond.
#[tokio::test]
async fn other_tasks_have_their_turn_while_a_list_is_read() {
    let list: &'static str = lines(MIB).leak();
    let app = excluding(&Recorder::saying(list));
    let (turns, done) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let other = tokio::spawn({
        let (turns, done) = (Arc::clone(&turns), Arc::clone(&done));
        async move {
            while !done.load(Ordering::Relaxed) {
                turns.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }
    });
    let mut body = respond(&app, Version::HTTP_11).await.into_body();
    let mut longest = 0;
    while let Some(frame) = body.frame().await {
        longest = longest.max(frame.unwrap().into_data().unwrap().len());
    }
    done.store(true, Ordering::Relaxed);
    other.await.unwrap();
    assert!(longest <= 32 * 1024, "{longest} bytes at once");
    let turns = turns.load(Ordering::Relaxed);
    assert!(turns >= MIB / (4 * 1024), "{turns} turns");
}

#[tokio::test]
async fn what_names_one_version_is_small() {
    let info = |bytes: usize| format!("{{\"Version\":\"v1.0.0\",\"x\":\"{}\"}}", "x".repeat(bytes));
    for (bytes, status) in [
        (60_000, StatusCode::OK),
        (70_000, StatusCode::BAD_GATEWAY),
        (15 * MIB, StatusCode::BAD_GATEWAY),
    ] {
        for declared in [true, false] {
            let content = Bytes::from(info(bytes));
            let source = Recorder::new(move |_| {
                Response::new(match declared {
                    true => Body::from(content.clone()),
                    false => {
                        let content = Ok::<_, Infallible>(content.clone());
                        Body::from_stream(stream::iter([content]))
                    }
                })
            });
            let app = excluding(&source);
            let answer = ask(&app, Method::GET, "/example.com/m/@latest").await;
            assert_eq!(answer.status, status, "{bytes}");
        }
    }
}
