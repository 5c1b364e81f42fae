//! Real hyper, which drops a body once it has what it needs, and never polls some at all.
#![cfg(all(feature = "fill", feature = "upstream"))]

mod support;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use support::wire::{Answered, Connection, Protocol, get};
use support::{Answer, Framing, Kept, ScriptedRegistry, Server, module_zip};
use tower::Layer as _;
use tower_goproxy::Upstream;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Tasks;

const ZIP: &str = "/example.com/m/@v/v1.0.0.zip";
const MOD: &str = "/example.com/m/@v/v1.0.0.mod";
const LIST: &str = "/example.com/m/@v/list";
const EMPTY_LIST: &str = "/example.com/untagged/@v/list";
const STORED: &str = "fwd=miss; stored";

struct Proxy {
    registry: ScriptedRegistry,
    kept: Kept,
    fills: Tasks,
    server: Server,
    zip: Bytes,
}

impl Proxy {
    /// The upstream has a small zip, an empty go.mod, a list and an empty list.
    async fn start(framing: Framing) -> Self {
        let go_mod: &[u8] = b"module example.com/m\n";
        let zip = Bytes::from(module_zip("example.com/m", "v1.0.0", &[("go.mod", go_mod)]));
        let content = zip.clone();
        let registry = ScriptedRegistry::http1(move |request| match &*request.path {
            ZIP => Answer::in_parts(content.clone(), 50).framing(framing),
            LIST => Answer::new(["v1.0.0\n"]).framing(framing),
            MOD | EMPTY_LIST => Answer::new([""]).framing(framing),
            _ => Answer::text(StatusCode::NOT_FOUND, "not found: no such file"),
        })
        .await;
        let kept = Kept::on_disk();
        let layer = FillLayer::new(kept.storage());
        let server = Server::start(layer.layer(Upstream::new(&registry.url()).unwrap())).await;
        Self {
            registry,
            kept,
            fills: layer.fills(),
            server,
            zip,
        }
    }

    async fn get(&self, protocol: Protocol, path: &str) -> Answered {
        get(self.server.address(), protocol, path).await
    }
}

fn request(method: Method, path: &str, header: Option<(&str, &str)>) -> Request<()> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    request.body(()).unwrap()
}

/// With a `Content-Length` hyper drops a body before its end has been asked for, at both ends.
#[tokio::test]
async fn a_file_is_stored_however_its_end_is_told() {
    for framing in [Framing::Length, Framing::Chunked, Framing::Close] {
        for protocol in Protocol::ALL {
            let proxy = Proxy::start(framing).await;
            let case = format!("{framing:?} to {protocol:?}");
            let first = proxy.get(protocol, ZIP).await.whole();
            first.assert_is(&proxy.zip);
            assert_eq!(first.cache_status(), STORED, "{case}");
            proxy.fills.idle().await;
            assert!(proxy.kept.read(&ZIP[1..]).await == proxy.zip, "{case}");

            let second = proxy.get(protocol, ZIP).await.whole();
            second.assert_is(&proxy.zip);
            assert_eq!(second.cache_status(), "hit", "{case}");
            assert_eq!(second.header("content-length"), proxy.zip.len().to_string());
            assert_eq!(proxy.registry.requests().total(), 1, "{case}");
        }
    }
}

/// An empty list is good, unless nothing tells that it ends there; an empty go.mod never is, although
/// the go command would take it.
#[tokio::test]
async fn an_empty_body_ends_at_once() {
    for protocol in Protocol::ALL {
        let proxy = Proxy::start(Framing::Close).await;
        let list = proxy.get(protocol, EMPTY_LIST).await;
        assert_eq!(list.status.unwrap(), 502, "{protocol:?}");
    }
    for framing in [Framing::Length, Framing::Chunked] {
        for protocol in Protocol::ALL {
            let proxy = Proxy::start(framing).await;
            let case = format!("{framing:?} to {protocol:?}");
            let list = proxy.get(protocol, EMPTY_LIST).await.whole();
            assert_eq!(list.body, b"", "{case}");
            let go_mod = proxy.get(protocol, MOD).await;
            assert!(!go_mod.is_whole(), "{case}: {go_mod:?}");
            proxy.fills.idle().await;
            assert_eq!(proxy.kept.names().await, [""; 0], "{case}");
        }
    }
}

/// Whatever an answer was, the connection is good for the next one.
#[tokio::test]
async fn one_connection_serves_every_kind_of_answer() {
    for framing in [Framing::Length, Framing::Chunked] {
        for protocol in [Protocol::Http11, Protocol::Http2] {
            let proxy = Proxy::start(framing).await;
            let mut connection = Connection::open(proxy.server.address(), protocol).await;
            let case = format!("{framing:?} to {protocol:?}");
            let (get, head) = (Method::GET, Method::HEAD);
            let (whole, nothing) = (&proxy.zip[..], &[][..]);
            let long = format!("bytes={}-", proxy.zip.len());
            for (method, path, header, status, body) in [
                (&head, ZIP, None, 200, nothing),
                (&get, ZIP, None, 200, whole),
                (&get, ZIP, None, 200, whole),
                (&head, ZIP, None, 200, nothing),
                (&get, ZIP, Some(("if-none-match", "*")), 304, nothing),
                (&get, ZIP, Some(("range", "bytes=3-9")), 206, &whole[3..10]),
                (&get, ZIP, Some(("range", &*long)), 416, nothing),
                (&get, LIST, None, 200, b"v1.0.0\n"),
                (&get, EMPTY_LIST, None, 200, nothing),
                (&get, ZIP, None, 200, whole),
            ] {
                let request = request(method.clone(), path, header);
                let answered = connection.send(request).await;
                let case = format!("{case}: {method} {path} {header:?}");
                assert_eq!(answered.broken, None, "{case}");
                assert_eq!(answered.status.unwrap(), status, "{case}");
                assert_eq!(answered.body, body, "{case}");
                proxy.fills.idle().await;
            }
            let missing = connection
                .send(request(
                    Method::GET,
                    "/example.com/none/@v/v1.0.0.mod",
                    None,
                ))
                .await;
            assert_eq!(missing.status.unwrap(), 404);
            let last = connection
                .send(request(Method::GET, ZIP, None))
                .await
                .whole();
            assert_eq!(last.cache_status(), "hit", "{case}");
        }
    }
}

/// The connection's end is all that tells such a client of an end, unless it knows the length.
#[tokio::test]
async fn an_http10_client_always_knows_the_length() {
    for framing in [Framing::Length, Framing::Chunked, Framing::Close] {
        let proxy = Proxy::start(framing).await;
        // Whether a list is whole only its own end could tell.
        let lists = if framing == Framing::Close {
            &[][..]
        } else {
            &[LIST, EMPTY_LIST]
        };
        for path in [ZIP, ZIP].iter().chain(lists) {
            let answered = proxy.get(Protocol::Http10, path).await.whole();
            let len = answered.body.len().to_string();
            assert_eq!(answered.header("content-length"), len, "{framing:?} {path}");
        }
    }
}
