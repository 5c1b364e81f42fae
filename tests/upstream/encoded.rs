//! Bodies that are encoded although identity was requested.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ETAG};
use http_body_util::BodyExt as _;
use tower_goproxy::Upstream;

use crate::ask::{LIST, ZIP, call, get, head_request, read, read_to_break, request};
use crate::server::{Act, Server, answer, head};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One that asks only once.
fn upstream(server: &Server) -> Upstream {
    Upstream::new(&server.http()).unwrap().retries(0)
}

#[tokio::test]
async fn a_gzip_encoded_body_is_decoded() {
    let zip: Vec<u8> = (0..300_000_u32).map(|n| (n % 251) as u8).collect();
    for (name, path, bytes) in [
        ("gzip", LIST, &b"v1.0.0\n"[..]),
        ("GZIP", LIST, b""),
        ("aws-chunked, gzip", LIST, b"v1.0.0\n"),
        ("x-gzip", ZIP, &zip),
    ] {
        let encoded = gzip(bytes);
        let encoding = format!("Content-Encoding: {name}");
        let server =
            Server::start(move |_| answer("200 OK", &[&encoding, "ETag: \"encoded\""], &encoded))
                .await;
        let response = get(&upstream(&server), path).await;
        for header in [CONTENT_ENCODING, ETAG] {
            assert!(!response.headers().contains_key(header));
        }
        let length = response.headers().get(CONTENT_LENGTH).cloned();
        let expected = (path == LIST).then(|| bytes.len().into());
        assert_eq!(length, expected, "that of the encoded bytes is none");
        assert!(read(response).await.unwrap() == bytes);
        let response = call(&upstream(&server), head_request(path)).await;
        assert!(!response.headers().contains_key(CONTENT_LENGTH));
    }
}

#[tokio::test]
async fn an_encoded_body_that_is_cut_breaks() {
    // The framing says that it is whole.
    let server = Server::start(|_| {
        let mut encoded = gzip(&[7; 10_000]);
        encoded.truncate(encoded.len() - 9);
        answer("200 OK", &["Content-Encoding: gzip"], &encoded)
    })
    .await;
    let (_, error) = read_to_break(get(&upstream(&server), ZIP).await).await;
    assert!(error.is_some());
    assert_eq!(get(&upstream(&server), LIST).await.status(), 502);
}

#[tokio::test]
async fn a_small_file_in_a_bomb_is_no_more_than_16_mib() {
    let server = Server::start(|_| {
        let encoded = gzip(&vec![b'\n'; 17 << 20]);
        answer("200 OK", &["Content-Encoding: gzip"], &encoded)
    })
    .await;
    let (bytes, error) = read_to_break(get(&upstream(&server), LIST).await).await;
    assert!(
        error.is_some() && bytes.len() <= 16 << 20,
        "{}",
        bytes.len()
    );
}

/// Nobody could check them, and the go command would take them for the file.
#[tokio::test]
async fn other_encodings_are_refused() {
    for encoding in ["br", "Zstd", "deflate", "compress", "gzip, br", "gzip,gzip"] {
        let header = format!("Content-Encoding: {encoding}");
        let server = Server::start(move |_| answer("200 OK", &[&header], b"\x1f\x8b..")).await;
        for path in [LIST, ZIP] {
            let response = get(&upstream(&server), path).await;
            assert_eq!(response.status(), 502, "{encoding} {path}");
            let text = read(response).await.unwrap();
            let expected = b"bad gateway: upstream sent an encoding that was not requested\n";
            assert_eq!(text, expected, "{encoding} {path}");
        }
    }
}

/// As the go command takes them.
#[tokio::test]
async fn what_is_no_encoding_is_taken_as_it_is() {
    for name in ["identity", "", "utf-8", "aws-chunked"] {
        let header = format!("Content-Encoding: {name}");
        let server = Server::start(move |_| answer("200 OK", &[&header], "v1.0.0\n")).await;
        let response = get(&upstream(&server), LIST).await;
        assert!(!response.headers().contains_key(CONTENT_ENCODING), "{name}");
        assert_eq!(response.headers()[CONTENT_LENGTH], "7");
        assert_eq!(read(response).await.unwrap(), b"v1.0.0\n", "{name}");
    }
}

#[cfg(feature = "fill")]
#[tokio::test]
async fn a_gzip_encoded_zip_is_verified_and_stored_and_another_encoding_is_not() {
    use tower::{Layer as _, ServiceExt as _};
    use tower_goproxy::Storage;
    use tower_goproxy::fill::FillLayer;

    let zip = crate::support::module_zip(
        "example.com/m",
        "v1.0.0",
        &[("go.mod", b"module example.com/m\n")],
    );
    for (encoding, status, requests) in [("gzip", 200, 1), ("br", 502, 2)] {
        let encoded = gzip(&zip);
        let header = format!("Content-Encoding: {encoding}");
        let server = Server::start(move |_| answer("200 OK", &[&header], &encoded)).await;
        let layer = FillLayer::new(Storage::memory());
        let proxy = layer.layer(upstream(&server));
        for _ in 0..2 {
            let response = proxy.clone().oneshot(request(ZIP)).await.unwrap();
            assert_eq!(response.status(), status, "{encoding}");
            assert!(!response.headers().contains_key(CONTENT_ENCODING));
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body == zip, status == 200, "{encoding}");
            layer.fills().idle().await;
        }
        assert_eq!(server.seen().len(), requests, "{encoding}");
    }
}

#[tokio::test]
async fn the_rest_of_a_body_is_not_taken_encoded() {
    let server = Server::start(|seen| {
        if seen.header("range").is_none() {
            let mut script = head("200 OK", &["ETag: \"e\"", "Content-Length: 6"]);
            script.extend([Act::Send(b"abc".to_vec()), Act::Close]);
            return script;
        }
        let range = "Content-Range: bytes 3-5/6";
        answer(
            "206 Partial Content",
            &["ETag: \"e\"", range, "Content-Encoding: gzip"],
            gzip(b"def"),
        )
    })
    .await;
    let (bytes, error) = read_to_break(get(&upstream(&server), ZIP).await).await;
    assert_eq!((bytes.as_slice(), error.is_some()), (&b"abc"[..], true));
}
