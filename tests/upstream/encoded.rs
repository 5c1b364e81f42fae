//! Bodies that are encoded although identity was asked for.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ETAG};
use tower_goproxy::Upstream;

use crate::ask::{LIST, ZIP, call, get, head_request, read, read_to_break};
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
        let mut encoded = gzip(&[7; 100_000]);
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

#[tokio::test]
async fn other_encodings_pass_untouched_with_their_name() {
    for encoding in ["br", "gzip, br"] {
        let header = format!("Content-Encoding: {encoding}");
        let server = Server::start(move |_| answer("200 OK", &[&header], b"\x1f\x8b..")).await;
        let response = get(&upstream(&server), ZIP).await;
        assert_eq!(response.headers()[CONTENT_ENCODING], encoding);
        assert_eq!(read(response).await.unwrap(), b"\x1f\x8b..");
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
