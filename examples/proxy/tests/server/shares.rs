//! What one address may take of what all clients share.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::limits::Scene;
use crate::support::within_minutes;
use crate::{MOD, ZIP};

const FIRST: [u8; 4] = [127, 0, 0, 1];
const SECOND: [u8; 4] = [127, 0, 0, 2];
const THIRD: [u8; 4] = [127, 0, 0, 3];

/// The start of what a client at this address gets for a request; nothing if its connection is closed at once.
async fn asked_from(
    scene: &Scene,
    from: [u8; 4],
    path: &str,
    headers: &str,
) -> (TcpStream, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = socket.connect(scene.proxy.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{headers}\r\n");
    let _ = stream.write_all(request.as_bytes()).await;
    let mut start = [0; 12];
    let start = match within_minutes(stream.read_exact(&mut start)).await {
        Ok(_) => String::from_utf8_lossy(&start).into_owned(),
        Err(_) => String::new(),
    };
    (stream, start)
}

const OK: &str = "HTTP/1.1 200";
const BUSY: &str = "HTTP/1.1 503";

#[tokio::test]
async fn one_address_leaves_half_of_all_requests_to_others() {
    let options = ["--max-requests", "8", "--trusted-proxy", "127.0.0.1"];
    for (options, from, others) in [
        (&options[..2], (FIRST, ""), (SECOND, "")),
        // Whoever is behind a trusted proxy is told apart, and nobody else.
        (
            &options[..],
            (FIRST, "X-Forwarded-For: 192.0.2.1\r\n"),
            (FIRST, "X-Forwarded-For: 192.0.2.2\r\n"),
        ),
        (
            &options[..],
            (SECOND, "X-Forwarded-For: 192.0.2.1\r\n"),
            (FIRST, ""),
        ),
    ] {
        let scene = Scene::new(options).await;
        let mut held = Vec::new();
        for expected in [OK, OK, OK, OK, BUSY, BUSY] {
            let (stream, start) = asked_from(&scene, from.0, ZIP, from.1).await;
            assert_eq!(start, expected, "{from:?}");
            held.push(stream);
        }
        let (_, start) = asked_from(&scene, others.0, MOD, others.1).await;
        assert_eq!(start, OK, "{others:?}");
        held.clear();
        within_minutes(async { while asked_from(&scene, from.0, MOD, from.1).await.1 != OK {} })
            .await;
    }
}

#[tokio::test]
async fn one_address_leaves_half_of_all_connections_to_others() {
    let scene = Scene::new(&["--max-connections", "8"]).await;
    let mut busy = Vec::new();
    for expected in [OK, OK, OK, OK, "", ""] {
        let (stream, start) = asked_from(&scene, FIRST, ZIP, "").await;
        assert_eq!(start, expected);
        busy.push(stream);
    }
    // It can have idle ones of its own replaced, and none of others.
    let mut other = asked_from(&scene, SECOND, MOD, "").await;
    assert_eq!(other.1, OK);
    busy.clear();
    for _ in 0..20 {
        busy.push(scene.open(b"").await);
    }
    let request = format!("GET {MOD} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    other.0.write_all(request.as_bytes()).await.unwrap();
    let mut rest = String::new();
    within_minutes(other.0.read_to_string(&mut rest))
        .await
        .unwrap();
    assert!(rest.contains("connection: close"), "{rest}");
}

#[tokio::test]
async fn two_addresses_leave_requests_and_connections_to_a_third_one() {
    for (option, second) in [
        ("--max-requests", &[OK, OK, BUSY][..]),
        ("--max-connections", &[OK, OK, OK, OK, ""]),
    ] {
        let scene = Scene::new(&[option, "8"]).await;
        let mut held = Vec::new();
        for (from, expected) in [(FIRST, &[OK, OK, OK, OK][..]), (SECOND, second)] {
            for expected in expected {
                let (stream, start) = asked_from(&scene, from, ZIP, "").await;
                assert_eq!(start, *expected, "{option} {from:?}");
                held.push(stream);
            }
        }
        let (_, start) = asked_from(&scene, THIRD, MOD, "").await;
        assert_eq!(start, OK, "{option}");
    }
}
