//! A thousand bad clients of each kind at once.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};

use crate::keys::Keys;
use crate::proxy::Proxy;
use crate::support::{Answer, Kept, ScriptedRegistry, large_module_zip, within_minutes};
use crate::{MOD, PART, ZIP};

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

/// With the limits as they are: none of these clients is cut before the server has to stop.
#[tokio::test]
async fn a_crowd_of_bad_clients_delays_neither_hits_nor_the_end() {
    let many = many();
    let zip = Bytes::from(large_module_zip("example.com/m", "v1.0.0", 384 * PART));
    let registry = ScriptedRegistry::http1(move |request| match &*request.path {
        ZIP => Answer::new([zip.clone()]),
        _ => Answer::new(["module example.com/m\n"]),
    })
    .await;
    let kept = Kept::on_disk();
    let (folder, upstream) = (kept.folder().to_str().unwrap(), registry.url());
    let args = ["--storage", folder, "--upstream", &upstream];
    // One address has all of them here.
    let own = ["--max-share", "100", "--shutdown-timeout", "3600"];
    let proxy = Proxy::start(&[&args[..], &own].concat()).await;
    proxy.get(MOD).await.whole();
    proxy.get(ZIP).await.whole();

    let zip = format!("GET {ZIP} HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut held = Vec::new();
    for (count, sent) in [
        (many, &b""[..]),
        (many, b"GET /exam"),
        (many, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
        (many, b"PRI * HTTP/2"),
        (many / 5, zip.as_bytes()),
    ] {
        held.extend(send(&proxy, count, sent).await);
        proxy.get(MOD).await.whole();
    }
    let mut connections = Vec::new();
    let mut streams = Vec::new();
    for _ in 0..8 {
        let stream = TcpStream::connect(proxy.address).await.unwrap();
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(0);
        let io = TokioIo::new(stream);
        let (mut sender, connection) = builder.handshake::<_, Empty<Bytes>>(io).await.unwrap();
        connections.push(tokio::spawn(connection));
        for _ in 0..128 {
            let url = format!("http://{}{ZIP}", proxy.address);
            let request = Request::get(url).body(Empty::new()).unwrap();
            streams.push(sender.send_request(request).await.unwrap());
        }
        proxy.get(MOD).await.whole();
    }
    proxy.signal("-TERM").await;
    let ended = timeout(Duration::from_secs(30), proxy.ended()).await;
    assert_eq!(ended.expect("it ends in time").code(), Some(0));
    drop(held);
    for connection in connections {
        let _ = within_minutes(connection).await.unwrap();
    }
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
    let ended = timeout(Duration::from_secs(30), proxy.ended()).await;
    assert_eq!(ended.expect("it ends in time").code(), Some(0));
    drop(held);
}
