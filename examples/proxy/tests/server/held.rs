//! How much can be held, of everything that clients can hold.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use http::{Request, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::interval;

use crate::limits::Scene;
use crate::proxy::{Proxy, command};
use crate::support::wire::{Protocol, get};
use crate::support::within_minutes;
use crate::users::{basic, hash};
use crate::{MOD, PART, ZIP};

const SECOND: [u8; 4] = [127, 0, 0, 2];

/// A client with streams that take nothing, and what ends when its connection is closed.
async fn stopped(scene: &Scene, from: [u8; 4]) -> (SendRequest<Empty<Bytes>>, JoinHandle<()>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let stream = socket.connect(scene.proxy.address).await.unwrap();
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(0);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    let ended = tokio::spawn(async { connection.await.unwrap_or_default() });
    (sender, ended)
}

fn request(scene: &Scene, path: &str) -> Request<Empty<Bytes>> {
    let request = Request::get(format!("http://{}{path}", scene.proxy.address));
    request.body(Empty::new()).unwrap()
}

/// A thousand streams on ten connections, of which one address may hold a bounded number.
#[tokio::test]
async fn refusals_that_nobody_reads_are_bounded() {
    let own = ["--max-requests", "8", "--max-streams", "100"];
    let scene = Scene::new(&[&own[..], &["--stall-timeout", "3600"]].concat()).await;
    for path in [MOD, "/healthz"] {
        let (mut held, mut connections, mut senders) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..10 {
            let (mut sender, ended) = stopped(&scene, SECOND).await;
            connections.push(ended);
            for _ in 0..100 {
                let request = request(&scene, path);
                // It is closed before all of them have begun, but for the first ones.
                match sender.send_request(request).await {
                    Ok(response) => held.push(response),
                    Err(_) => break,
                }
            }
            // Without it the client takes its connection for ended.
            senders.push(sender);
        }
        for ended in connections.split_off(2) {
            within_minutes(ended).await.unwrap();
        }
        // Others are answered, or get their own refusals.
        scene.proxy.get("/healthz").await.whole();
        let hit = async || scene.proxy.get(MOD).await.status;
        within_minutes(async { while hit().await != Some(StatusCode::OK) {} }).await;
    }
}

/// Of requests that wait for long, since their address has sent wrong passwords.
#[tokio::test]
async fn bodies_of_requests_take_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("users");
    std::fs::write(&users, format!("alice:{}\n", hash("one"))).unwrap();
    let args = ["--storage", "memory:", "--upstream", "off", "--users"];
    let own = [users.to_str().unwrap(), "--trusted-proxy", "192.0.2.1"];
    let proxy = Proxy::start(&[&args[..], &own].concat()).await;
    let before = proxy.memory();
    let mut held = Vec::new();
    for _ in 0..50 {
        let stream = TcpStream::connect(proxy.address).await.unwrap();
        let io = TokioIo::new(stream);
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        let url = |path| Request::get(format!("http://{}{path}", proxy.address));
        let (sent, all) = oneshot::channel();
        let piece = || Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[0; PART])));
        let end = stream::once(async move {
            sent.send(()).unwrap();
            Ok(Frame::data(Bytes::new()))
        });
        // Nearly as much as the server takes in without reading it.
        let body = stream::iter((0..15).map(move |_| piece())).chain(end);
        let wrong = url(MOD).header("authorization", basic("alice", "two"));
        let request = wrong.body(StreamBody::new(body).boxed_unsync()).unwrap();
        held.push(tokio::spawn(sender.send_request(request)));
        // The first passwords are checked soon, and what is left of their bodies is not wanted.
        let _ = within_minutes(all).await;
        let nothing = Empty::new().boxed_unsync();
        let request = url("/healthz").body(nothing).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), 200);
        held.push(tokio::spawn(async move {
            // Without it the client takes its connection for ended.
            let _sender = sender;
            std::future::pending().await
        }));
    }
    let grown = proxy.memory().saturating_sub(before);
    assert!(grown < 25 << 20, "{} KiB", grown >> 10);
}

/// Of a zip that is much larger.
#[tokio::test]
async fn a_client_that_reads_nothing_takes_little_memory() {
    let room = ["--max-requests", "4096", "--max-connections", "4096"];
    let scene = Scene::new(&[&room[..], &["--stall-timeout", "3600"]].concat()).await;
    let request = format!("GET {ZIP} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut held = Vec::new();
    let mut grown = async |count| {
        let before = scene.proxy.memory();
        for _ in 0..count {
            let mut stream = scene.open(request.as_bytes()).await;
            stream.read_u8().await.unwrap();
            held.push(stream);
        }
        scene.proxy.get(MOD).await.whole();
        scene.proxy.memory().saturating_sub(before)
    };
    // What is there for any number of them.
    grown(50).await;
    let each = grown(100).await / 100;
    assert!(each < 192 << 10, "{} KiB", each >> 10);
}

#[tokio::test]
async fn a_connection_has_so_many_streams_at_once() {
    for (options, most) in [(&[][..], 128), (&["--max-streams", "5"], 5)] {
        let scene = Scene::new(&[&["--max-requests", "4096"], options].concat()).await;
        let (mut sender, _) = stopped(&scene, SECOND).await;
        let mut held = Vec::new();
        for _ in 0..most {
            let response = within_minutes(sender.send_request(request(&scene, ZIP))).await;
            assert_eq!(response.as_ref().unwrap().status(), StatusCode::OK);
            held.push(response);
        }
        // The client knows it too, and waits for one of the others to end.
        let next = sender.send_request(request(&scene, MOD));
        tokio::select! {
            biased;
            _ = next => panic!("{most} streams are not the most"),
            _ = scene.proxy.get(MOD) => {}
        }
    }
}

#[tokio::test]
async fn an_http2_head_that_is_too_large_is_refused() {
    let scene = Scene::new(&[]).await;
    for (bytes, expected) in [
        (16 * 1024, StatusCode::OK),
        (128 * 1024, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE),
    ] {
        let stream = TcpStream::connect(scene.proxy.address).await.unwrap();
        let io = TokioIo::new(stream);
        let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        let mut request = request(&scene, MOD);
        let value = "x".repeat(bytes).parse().unwrap();
        request.headers_mut().insert("x-large", value);
        let answered = within_minutes(sender.send_request(request)).await;
        match answered {
            Ok(response) => assert_eq!(response.status(), expected),
            Err(error) => assert!(bytes > 64 * 1024, "{error}"),
        }
    }
}

/// It never stops, and is too slow all the same.
#[tokio::test]
async fn a_client_that_reads_too_slowly_is_cut() {
    let limits = ["--stall-timeout", "1", "--min-client-rate", "1000000000"];
    let scene = Scene::new(&[&limits[..], &["--metrics"]].concat()).await;
    let request = format!("GET {ZIP} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut slow = scene.open(request.as_bytes()).await;
    let mut pace = interval(Duration::from_millis(20));
    let mut piece = vec![0; PART];
    within_minutes(async {
        while slow.read(&mut piece).await.is_ok_and(|bytes| bytes > 0) {
            pace.tick().await;
        }
    })
    .await;
    let metrics = scene.proxy.get("/metrics").await.whole().text();
    let cut = "goproxy_connections_cut_total{why=\"stopped\"} 1";
    assert!(metrics.contains(cut), "{metrics}");
}

/// Whoever connects in bursts gets others of its connections closed, which have their descriptor until then.
#[tokio::test]
async fn a_burst_of_connections_leaves_descriptors() {
    let server = command(&["--storage", "memory:", "--upstream", "off"]);
    let server = server.as_std();
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", "ulimit -n 64 && exec \"$@\"", "sh"]);
    limited.arg(server.get_program()).args(server.get_args());
    limited.env_clear().kill_on_drop(true);
    let (proxy, mut log) = Proxy::with_log(limited).await;
    for _ in 0..20 {
        let burst = (0..64).map(|_| TcpStream::connect(proxy.address));
        drop(join_all(burst).await);
    }
    proxy.get("/healthz").await.whole();
    proxy.terminate().await;
    assert_eq!(proxy.ended().await.code(), Some(0));
    while let Some(line) = log.next_line().await.unwrap() {
        assert!(!line.contains("cannot take a connection"), "{line}");
    }
}

/// A server whose metrics have an address of their own.
async fn with_metrics() -> (Proxy, SocketAddr) {
    let args = ["--storage", "memory:", "--upstream", "off", "--metrics"];
    let own = [
        "--metrics-listen",
        "127.0.0.1:0",
        "--handshake-timeout",
        "3600",
    ];
    let (proxy, mut log) = Proxy::with_log(command(&[&args[..], &own].concat())).await;
    let address = loop {
        let line = log
            .next_line()
            .await
            .unwrap()
            .expect("it names the address");
        if let Some((_, url)) = line.split_once("metrics on http://") {
            break url.strip_suffix("/metrics").unwrap().parse().unwrap();
        }
    };
    // It blocks if nobody reads what it says.
    tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
    (proxy, address)
}

async fn connections(of: SocketAddr) -> usize {
    let text = get(of, Protocol::Http11, "/metrics").await.whole().text();
    let mut lines = text.lines();
    let found = lines.find_map(|line| line.strip_prefix("goproxy_connections "));
    found.expect("it is counted").parse().unwrap()
}

#[tokio::test]
async fn the_connections_of_both_addresses_are_counted() {
    let (proxy, address) = with_metrics().await;
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        let request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(request).await.unwrap();
        stream.read_u8().await.unwrap();
        held.push(stream);
    }
    assert!(connections(address).await >= 6);
    assert!(connections(proxy.address).await >= 6);
    held.clear();
    within_minutes(async { while connections(address).await != 1 {} }).await;
}

#[tokio::test]
async fn the_address_of_metrics_takes_few_connections() {
    let (proxy, address) = with_metrics().await;
    let before = proxy.open_files();
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(TcpStream::connect(address).await.unwrap());
    }
    within_minutes(async {
        connections(address).await;
        while proxy.open_files() > before + 30 {
            connections(address).await;
        }
    })
    .await;
}
