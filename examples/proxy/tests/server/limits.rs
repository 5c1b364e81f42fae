//! What a client can hold, and for how long.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::keys::Keys;
use crate::proxy::Proxy;
use crate::support::wire::{Connection, Protocol};
use crate::support::{Answer, Gate, Kept, ScriptedRegistry, large_module_zip, within_minutes};
use crate::{MOD, PART, ZIP};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A server with short limits, with a small file and a large one in its storage.
pub(crate) struct Scene {
    pub(crate) proxy: Proxy,
    pub(crate) zip: Bytes,
    _kept: Kept,
}

impl Scene {
    pub(crate) async fn new(options: &[&str]) -> Self {
        let zip = Bytes::from(large_module_zip("example.com/m", "v1.0.0", 384 * PART));
        let kept = Kept::on_disk();
        kept.write(&MOD[1..], "module example.com/m\n").await;
        kept.write(&ZIP[1..], zip.clone()).await;
        let folder = kept.folder().to_str().unwrap();
        let args = ["--storage", folder, "--upstream", "off"];
        let proxy = Proxy::start(&[&args, options].concat()).await;
        Self {
            proxy,
            zip,
            _kept: kept,
        }
    }

    pub(crate) async fn open(&self, sent: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.proxy.address).await.unwrap();
        stream.write_all(sent).await.unwrap();
        stream
    }

    /// Hits are answered until it has no more files open than this.
    async fn hits_until_closed(&self, files: usize) {
        within_minutes(async {
            loop {
                self.proxy.get_in_time(MOD, HANDSHAKE).await;
                if self.proxy.open_files() <= files {
                    break;
                }
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

/// The shortest of these limits.
const HANDSHAKE: Duration = Duration::from_millis(500);

const SHORT: [&str; 6] = [
    "--client-timeout",
    "1",
    "--handshake-timeout",
    "0.5",
    "--stall-timeout",
    "1",
];

/// What the server has open for itself, and for the test.
async fn files(scene: &Scene) -> usize {
    scene.proxy.open_files() + 2
}

#[tokio::test]
async fn connections_without_a_whole_request_are_closed_and_hits_go_on() {
    let scene = Scene::new(&[&SHORT[..], &["--metrics"]].concat()).await;
    let files = files(&scene).await;
    let empty_settings = [PREFACE, b"\0\0\0\x04\0\0\0\0\0"].concat();
    let half_of_headers = [&*empty_settings, b"\0\0\x05\x01\0\0\0\0\x01\x82"].concat();
    let mut held = Vec::new();
    for sent in [
        &b""[..],
        &PREFACE[..10],
        PREFACE,
        &empty_settings,
        &half_of_headers,
        b"GET /exam",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        for _ in 0..25 {
            held.push(scene.open(sent).await);
        }
    }
    scene.hits_until_closed(files).await;
    for mut stream in held {
        // To the end, which may be a reset.
        let _ = within_minutes(stream.read_to_end(&mut Vec::new())).await;
    }
    let metrics = scene.proxy.get_in_time("/metrics", HANDSHAKE).await.text();
    for why in ["handshake", "idle"] {
        let name = format!("goproxy_connections_cut_total{{why=\"{why}\"}}");
        assert!(metrics.contains(&name), "{why} is not in\n{metrics}");
    }
}

/// Its request waits for a source that is silent, so that no other limit ends it.
#[tokio::test]
async fn an_http2_client_that_answers_no_ping_is_closed() {
    let registry = ScriptedRegistry::http1(|_| {
        Answer::new(["module example.com/m\n"]).withheld(&Gate::closed())
    })
    .await;
    let upstream = registry.url();
    let args = ["--storage", "memory:", "--upstream", &upstream, "--metrics"];
    let proxy = Proxy::start(&[&args[..], &["--ping-interval", "0.5"]].concat()).await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(&http2_get(MOD)).await.unwrap();
    within_minutes(registry.requests().arrived(1)).await;
    let _ = within_minutes(stream.read_to_end(&mut Vec::new())).await;
    let metrics = proxy.get("/metrics").await.whole().text();
    let name = "goproxy_connections_cut_total{why=\"silent\"} 1\n";
    assert!(metrics.contains(name), "{metrics}");
}

/// All that a client sends over HTTP/2 that requests one file, has room for all of it, and answers no ping.
pub(crate) fn http2_get(path: &str) -> Vec<u8> {
    const ROOM: u32 = 1 << 30;
    let path = path.as_bytes();
    // GET, http, and two literals: the path and an authority.
    let head = [
        &[0x82, 0x86, 0x04, path.len() as u8],
        path,
        &[0x41, 1, b'x'],
    ]
    .concat();
    // The initial window of streams, and more of it for the connection.
    let settings = [&[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 4], &ROOM.to_be_bytes()[..]].concat();
    let update = [&[0, 0, 4, 8, 0, 0, 0, 0, 0], &ROOM.to_be_bytes()[..]].concat();
    let acknowledged = b"\0\0\0\x04\x01\0\0\0\0";
    let request = [&[0, 0, head.len() as u8, 1, 5, 0, 0, 0, 1], &*head].concat();
    [PREFACE, &settings, &update, acknowledged, &request].concat()
}

#[tokio::test]
async fn half_a_tls_handshake_is_closed() {
    let keys = Keys::new();
    let options = keys.options();
    let tls: Vec<_> = options.iter().map(String::as_str).collect();
    let args = ["--storage", "memory:", "--upstream", "off"];
    let proxy = Proxy::start(&[&args[..], &SHORT, &tls].concat()).await;
    for sent in [&b""[..], b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"] {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        stream.write_all(sent).await.unwrap();
        let _ = within_minutes(stream.read_to_end(&mut Vec::new())).await;
    }
}

#[tokio::test]
async fn clients_that_read_nothing_are_closed_and_hits_go_on() {
    let scene = Scene::new(&SHORT).await;
    let files = files(&scene).await;
    let mut held = Vec::new();
    for _ in 0..20 {
        let request = format!("GET {ZIP} HTTP/1.1\r\nHost: x\r\n\r\n");
        held.push(scene.open(request.as_bytes()).await);
    }
    let mut streams = Vec::new();
    let mut connections = Vec::new();
    for window in [0, 1 << 20] {
        let stream = TcpStream::connect(scene.proxy.address).await.unwrap();
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(window);
        let io = TokioIo::new(stream);
        let (mut sender, connection) = builder.handshake::<_, Empty<Bytes>>(io).await.unwrap();
        connections.push(tokio::spawn(connection));
        for _ in 0..100 {
            let url = format!("http://{}{ZIP}", scene.proxy.address);
            let request = Request::get(url).body(Empty::new()).unwrap();
            // It may be closed before all of them have begun.
            let Ok(response) = sender.send_request(request).await else {
                break;
            };
            assert_eq!(response.status(), StatusCode::OK);
            streams.push(response);
        }
        assert!(!streams.is_empty());
    }
    scene.hits_until_closed(files).await;
    for connection in connections {
        let _ = within_minutes(connection).await.unwrap();
    }
}

/// A window of one byte is enough to make the server read a small file to its end.
#[tokio::test]
async fn a_stream_that_takes_one_byte_is_closed_while_others_of_its_connection_go_on() {
    let scene = Scene::new(&SHORT).await;
    let stream = TcpStream::connect(scene.proxy.address).await.unwrap();
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(1);
    let io = TokioIo::new(stream);
    let (mut sender, connection) = builder.handshake::<_, Empty<Bytes>>(io).await.unwrap();
    let connection = tokio::spawn(connection);
    let address = scene.proxy.address;
    let request = |path| {
        let request = Request::get(format!("http://{address}{path}"));
        request.body(Empty::new()).unwrap()
    };
    let stopped = sender.send_request(request(MOD)).await.unwrap();
    within_minutes(async {
        while let Ok(response) = sender.send_request(request("/healthz")).await {
            if response.into_body().collect().await.is_err() {
                break;
            }
        }
    })
    .await;
    drop(stopped);
    let _ = within_minutes(connection).await.unwrap();
}

#[tokio::test]
async fn a_full_server_closes_the_connection_that_is_idle() {
    let scene = Scene::new(&["--max-connections", "8", "--metrics"]).await;
    let mut held = Vec::new();
    for _ in 0..20 {
        held.push(scene.open(b"").await);
        scene.proxy.get(MOD).await.whole();
    }
    // Whoever is in the middle of something stays.
    let request = format!("GET {ZIP} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut busy = scene.open(request.as_bytes()).await;
    busy.read_u8().await.unwrap();
    for _ in 0..20 {
        held.push(scene.open(b"").await);
        scene.proxy.get(MOD).await.whole();
    }
    let mut rest = vec![0; scene.zip.len()];
    within_minutes(busy.read_exact(&mut rest)).await.unwrap();
    // Nor was a new one refused.
    let metrics = scene.proxy.get("/metrics").await.whole().text();
    assert!(!metrics.contains("goproxy_connections_refused_total"));
}

#[tokio::test]
async fn requests_beyond_the_limit_get_503() {
    let scene = Scene::new(&["--max-requests", "2", "--max-share", "100"]).await;
    let request = format!("GET {ZIP} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut busy = Vec::new();
    for _ in 0..2 {
        let mut stream = scene.open(request.as_bytes()).await;
        stream.read_u8().await.unwrap();
        busy.push(stream);
    }
    let refused = scene.proxy.get(MOD).await;
    assert_eq!(refused.status, Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(refused.header("cache-control"), "no-store");
    let mut connection = Connection::open(scene.proxy.address, Protocol::Http2).await;
    let refused = connection.send(Request::head(MOD).body(()).unwrap()).await;
    assert_eq!(refused.status, Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!((&*refused.text(), &refused.broken), ("", &None));
    // A server that is busy is not dead.
    scene.proxy.get("/healthz").await.whole();
    busy.pop();
    within_minutes(async { while scene.proxy.get(MOD).await.status != Some(StatusCode::OK) {} })
        .await;
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let scene = Scene::new(&[]).await;
    let mut stream = TcpStream::connect(scene.proxy.address).await.unwrap();
    let line = format!("X-Large: {}\r\n", "x".repeat(16 * 1024));
    let head = format!("GET {MOD} HTTP/1.1\r\nHost: x\r\n{}\r\n", line.repeat(5));
    // It may be refused before all of it is there.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = within_minutes(stream.read_to_end(&mut answer)).await;
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
    scene.proxy.get(MOD).await.whole();
}
