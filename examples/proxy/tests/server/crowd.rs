//! A thousand bad clients of each kind at once.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Duration, timeout};

use crate::keys::Keys;
use crate::proxy::Proxy;
use crate::support::{Answer, Kept, ScriptedRegistry, large_module_zip, within_minutes};
use crate::{MOD, PART, ZIP};

/// The shortest limit of a client here.
const LIMIT: Duration = Duration::from_secs(1);

/// A thousand, or what this process may have open.
fn many() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
    let files = limit.maximum.unwrap_or(1 << 20);
    usize::try_from(files / 16).unwrap().min(1000)
}

async fn send(proxy: &Proxy, count: usize, sent: &[u8]) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        // It may be closed for one that comes later.
        let _ = stream.write_all(sent).await;
        streams.push(stream);
    }
    streams
}

/// A server with hits, and what else it needs.
struct Scene {
    proxy: Proxy,
    _registry: ScriptedRegistry,
    _kept: Kept,
}

/// Connections until they are dropped.
struct Crowd {
    _streams: Vec<TcpStream>,
    _responses: Vec<Response<Incoming>>,
    connections: Vec<JoinHandle<()>>,
}

impl Scene {
    async fn new(options: &[&str]) -> Self {
        let zip = Bytes::from(large_module_zip("example.com/m", "v1.0.0", 384 * PART));
        let registry = ScriptedRegistry::http1(move |request| match &*request.path {
            ZIP => Answer::new([zip.clone()]),
            _ => Answer::new(["module example.com/m\n"]),
        })
        .await;
        let kept = Kept::on_disk();
        let (folder, upstream) = (kept.folder().to_str().unwrap(), registry.url());
        // One address has all of them here.
        let args = ["--storage", folder, "--upstream", &upstream];
        let own = ["--max-share", "100"];
        let proxy = Proxy::start(&[&args[..], &own, options].concat()).await;
        proxy.get_in_time(MOD, LIMIT).await;
        proxy.get_in_time(ZIP, LIMIT).await;
        Self {
            proxy,
            _registry: registry,
            _kept: kept,
        }
    }

    /// While it comes, and with it, hits are answered.
    async fn crowd(&self, many: usize) -> Crowd {
        let zip = format!("GET {ZIP} HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut held = Vec::new();
        for (count, sent) in [
            (many, &b""[..]),
            (many, b"GET /exam"),
            (many, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
            (many, b"PRI * HTTP/2"),
            (many / 5, zip.as_bytes()),
        ] {
            held.extend(send(&self.proxy, count, sent).await);
            self.proxy.get_in_time(MOD, LIMIT).await;
        }
        let (mut connections, mut responses) = (Vec::new(), Vec::new());
        for _ in 0..8 {
            let stream = TcpStream::connect(self.proxy.address).await.unwrap();
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.initial_stream_window_size(0);
            let io = TokioIo::new(stream);
            let (mut sender, connection) = builder.handshake::<_, Empty<Bytes>>(io).await.unwrap();
            connections.push(tokio::spawn(async { connection.await.unwrap_or_default() }));
            for _ in 0..128 {
                let url = format!("http://{}{ZIP}", self.proxy.address);
                let request = Request::get(url).body(Empty::new()).unwrap();
                // It may be closed before all of them have begun.
                let Ok(response) = sender.send_request(request).await else {
                    break;
                };
                responses.push(response);
            }
            self.proxy.get_in_time(MOD, LIMIT).await;
        }
        Crowd {
            _streams: held,
            _responses: responses,
            connections,
        }
    }
}

/// With the limits as they are: none of these clients is cut before the server has to stop.
#[tokio::test]
async fn a_crowd_of_bad_clients_delays_neither_hits_nor_the_end() {
    let scene = Scene::new(&["--shutdown-timeout", "3600"]).await;
    let crowd = scene.crowd(many()).await;
    scene.proxy.signal("-TERM").await;
    assert_eq!(scene.proxy.ended().await.code(), Some(0));
    for ended in crowd.connections {
        within_minutes(ended).await.unwrap();
    }
}

#[tokio::test]
async fn a_crowd_of_bad_clients_is_cut_and_leaves_neither_files_nor_memory() {
    let limits = ["--client-timeout", "--handshake-timeout", "--stall-timeout"];
    let limits = limits.map(|limit| [limit, "1"]).concat();
    let scene = Scene::new(&limits).await;
    let (files, memory) = (scene.proxy.open_files(), scene.proxy.memory());
    let _crowd = scene.crowd(many()).await;
    let is_back = || {
        // A connection of the test may still be open, and the allocator keeps some.
        scene.proxy.open_files() <= files + 2 && scene.proxy.memory() <= memory + (48 << 20)
    };
    let cut = async {
        while !is_back() {
            scene.proxy.get_in_time(MOD, LIMIT).await;
        }
    };
    let in_time = timeout(Duration::from_secs(120), cut).await;
    let now = (scene.proxy.open_files(), scene.proxy.memory());
    in_time.unwrap_or_else(|_| panic!("{now:?}, and it began with {:?}", (files, memory)));
}

#[tokio::test]
async fn a_crowd_in_the_middle_of_a_tls_handshake_does_not_delay_the_end() {
    let many = many();
    let keys = Keys::new();
    let options = keys.options();
    let tls: Vec<_> = options.iter().map(String::as_str).collect();
    let args = [
        "--storage",
        "memory:",
        "--upstream",
        "off",
        "--shutdown-timeout",
        "3600",
    ];
    let proxy = Proxy::start(&[&args[..], &tls].concat()).await;
    let hello = b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03";
    let held = [
        send(&proxy, many, b"").await,
        send(&proxy, many, hello).await,
    ];
    proxy.signal("-TERM").await;
    assert_eq!(proxy.ended().await.code(), Some(0));
    drop(held);
}
