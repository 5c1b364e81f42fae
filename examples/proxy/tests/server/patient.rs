//! Clients that are slow, and do nothing wrong.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::interval;

use crate::limits::{Scene, http2_get};
use crate::proxy::Proxy;
use crate::support::wire::{Connection, Protocol};
use crate::support::{Answer, ScriptedRegistry, large_module_zip, within_minutes};
use crate::{MOD, PART, ZIP};

/// Several times what good clients take between two requests, or two reads: this machine may have other work.
const LONG: [&str; 4] = ["--client-timeout", "3", "--stall-timeout", "3"];

const DATA: u8 = 0;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const PING: [u8; 17] = *b"\0\0\x08\x06\0\0\0\0\0and well";

/// The kind, the flags and the payload of the next one.
async fn frame(stream: &mut TcpStream) -> (u8, u8, Vec<u8>) {
    let mut head = [0; 9];
    within_minutes(stream.read_exact(&mut head)).await.unwrap();
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
    let mut payload = vec![0; length as usize];
    within_minutes(stream.read_exact(&mut payload))
        .await
        .unwrap();
    (head[3], head[4], payload)
}

/// The longest time in which a client did nothing.
struct Pauses {
    last: Instant,
    longest: Duration,
}

impl Pauses {
    fn step(&mut self) {
        let now = Instant::now();
        self.longest = self.longest.max(now - self.last);
        self.last = now;
    }
}

/// A client that tells whether it got everything. One that was cut comes again if it had no processor for long.
async fn is_served(client: impl AsyncFn(&mut Pauses) -> bool) {
    within_minutes(async {
        loop {
            let mut pauses = Pauses {
                last: Instant::now(),
                longest: Duration::ZERO,
            };
            if client(&mut pauses).await {
                return;
            }
            let longest = pauses.longest;
            assert!(longest > Duration::from_secs(1), "cut after {longest:?}");
        }
    })
    .await;
}

/// Takes twice the limit, and never stops.
#[tokio::test]
async fn a_slow_client_gets_all_of_its_file() {
    let scene = &Scene::new(&LONG).await;
    let get = async |protocol, pauses: &mut Pauses| {
        let stream = TcpStream::connect(scene.proxy.address).await.unwrap();
        let url = format!("http://{}{ZIP}", scene.proxy.address);
        let request = Request::get(url)
            .header("host", "x")
            .body(Empty::<Bytes>::new())
            .unwrap();
        let io = TokioIo::new(stream);
        let response = match protocol {
            Protocol::Http2 => {
                let (mut sender, connection) =
                    http2::handshake(TokioExecutor::new(), io).await.unwrap();
                tokio::spawn(connection);
                sender.send_request(request).await.unwrap()
            }
            _ => {
                let (mut sender, connection) =
                    hyper::client::conn::http1::handshake(io).await.unwrap();
                tokio::spawn(connection);
                sender.send_request(request).await.unwrap()
            }
        };
        let (mut body, mut got, mut next) = (response.into_body(), Vec::new(), 0);
        let mut pace = interval(Duration::from_millis(32));
        while let Some(Ok(frame)) = body.frame().await {
            got.extend_from_slice(&frame.into_data().unwrap());
            if got.len() >= next {
                next += 2 * PART;
                pace.tick().await;
            }
            pauses.step();
        }
        assert!(scene.zip.starts_with(&got), "{protocol:?}");
        got.len() == scene.zip.len()
    };
    tokio::join!(
        is_served(async |pauses| get(Protocol::Http11, pauses).await),
        is_served(async |pauses| get(Protocol::Http2, pauses).await),
    );
}

#[tokio::test]
async fn a_client_that_asks_now_and_then_keeps_its_connection() {
    let scene = Scene::new(&LONG).await;
    let ask = async |protocol, pauses: &mut Pauses| {
        let mut connection = Connection::open(scene.proxy.address, protocol).await;
        let mut pace = interval(Duration::from_millis(500));
        for _ in 0..10 {
            pace.tick().await;
            let request = Request::get(MOD).body(()).unwrap();
            let answered = connection.send(request).await;
            pauses.step();
            if answered.status.is_none() {
                return false;
            }
            answered.whole();
        }
        true
    };
    tokio::join!(
        is_served(async |pauses| ask(Protocol::Http11, pauses).await),
        is_served(async |pauses| ask(Protocol::Http2, pauses).await),
    );
}

/// As with `curl --limit-rate`: the ping comes after all that the client has not read yet.
#[tokio::test]
async fn a_slow_client_that_has_not_come_to_a_ping_keeps_its_connection() {
    let scene = Scene::new(&[&LONG[..], &["--ping-interval", "0.5"]].concat()).await;
    is_served(async |pauses| {
        let mut stream = scene.open(&http2_get(ZIP)).await;
        let (mut got, mut part) = (0, vec![0; 4 * PART]);
        let mut pace = interval(Duration::from_millis(32));
        loop {
            pace.tick().await;
            pauses.step();
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => break got > scene.zip.len(),
                Ok(bytes) => got += bytes,
            }
        }
    })
    .await;
}

/// All of its file has left, but it has not read it yet: what it still sends must not be answered by a reset.
#[tokio::test]
async fn a_connection_that_is_to_end_still_hears_its_client() {
    let scene = Scene::new(&["--client-timeout", "1", "--stall-timeout", "600"]).await;
    let mut stream = scene.open(&http2_get(MOD)).await;
    while frame(&mut stream).await.0 != GOAWAY {}
    let mut longer = interval(Duration::from_secs(2));
    longer.tick().await;
    longer.tick().await;
    stream.write_all(&PING).await.unwrap();
    while frame(&mut stream).await != (6, 1, b"and well".to_vec()) {}
}

/// Nothing has left that its client could still read.
#[tokio::test]
async fn a_connection_that_never_had_a_request_is_not_kept_for_its_client() {
    let scene = Scene::new(&["--client-timeout", "1", "--stall-timeout", "600"]).await;
    let mut stream = scene.open(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    // To the end, which may be a reset.
    let _ = within_minutes(stream.read_to_end(&mut Vec::new())).await;
}

/// All of its file has left, and lies in the buffers of both systems. What it sends meanwhile must not be answered by a reset.
#[tokio::test]
async fn a_client_that_reads_the_rest_while_the_server_stops_gets_all_of_its_file() {
    let zip = Bytes::from(large_module_zip("example.com/m", "v1.0.0", 3 * PART / 2));
    let registry = ScriptedRegistry::serving(ZIP, Answer::new([zip.clone()])).await;
    let upstream = registry.url();
    let args = ["--storage", "memory:", "--upstream", &upstream];
    let proxy = Proxy::start(&[&args[..], &["--shutdown-timeout", "3600"]].concat()).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(proxy.address).await.unwrap();
    stream.write_all(&http2_get(ZIP)).await.unwrap();
    stream.readable().await.unwrap();
    proxy.terminate().await;
    // Longer than a client has that neither reads nor sends.
    let mut pace = interval(Duration::from_millis(500));
    for _ in 0..16 {
        pace.tick().await;
        stream.write_all(&PING).await.unwrap();
    }
    let mut got = 0;
    loop {
        let (kind, flags, payload) = frame(&mut stream).await;
        if kind == DATA {
            got += payload.len();
            if flags & END_STREAM != 0 {
                break;
            }
        }
    }
    assert_eq!(got, zip.len());
    drop(stream);
    assert_eq!(proxy.ended().await.code(), Some(0));
}

/// With its machine, or by a debugger.
#[tokio::test]
async fn a_server_that_is_stopped_for_a_while_cuts_no_client() {
    let scene = Scene::new(&LONG).await;
    let request = format!("GET {ZIP} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut reads = scene.open(request.as_bytes()).await;
    reads.read_u8().await.unwrap();
    let mut waits = Connection::open(scene.proxy.address, Protocol::Http11).await;
    let request = || Request::get(MOD).body(()).unwrap();
    waits.send(request()).await.whole();
    scene.proxy.signal("-STOP").await;
    let mut longer = interval(Duration::from_secs(6));
    longer.tick().await;
    longer.tick().await;
    scene.proxy.signal("-CONT").await;
    waits.send(request()).await.whole();
    let mut rest = vec![0; scene.zip.len()];
    within_minutes(reads.read_exact(&mut rest)).await.unwrap();
}
