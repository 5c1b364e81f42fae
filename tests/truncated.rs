//! A file that was cut short upstream never looks complete: not to a client, whatever it speaks, and not to the storage.
#![cfg(all(feature = "fill", feature = "upstream"))]

mod support;

use bytes::Bytes;
use support::wire::{Answered, Protocol, get};
use support::{
    Answer, Framing, Gate, Kept, Requests, ScriptedRegistry, Server, Tap, Tls, large_module_zip,
    tap::tapped,
};
use tower::{Layer as _, ServiceExt as _};
use tower_goproxy::Upstream;
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::source::Area;
use tower_goproxy::source::Tasks;
use tower_goproxy::upstream::Client;

const MODULE: &str = "example.com/m/@v/v1.0.0";
const INFO: &[u8] = br#"{"Version":"v1.0.0","Time":"2024-05-06T07:08:09Z"}"#;

/// How the upstream cuts a body short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    /// Fewer bytes than its `Content-Length`, then the end of the connection or of the stream.
    Short,
    /// No length, and no last chunk; or the stream is reset.
    Broken,
    /// No length, and a clean end that comes too early.
    Early,
    /// The end of the connection is the end of the body.
    Close,
    /// The connection is reset.
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaks {
    Http1,
    Http2,
}

impl Cut {
    fn framing(self, missing: usize) -> Framing {
        match self {
            Self::Short => Framing::Short(missing as u64),
            Self::Broken => Framing::Cut,
            Self::Early => Framing::Chunked,
            Self::Close => Framing::Close,
            Self::Reset => Framing::Reset,
        }
    }

    /// Another gate stands before the end, since what is not on the wire yet would be lost.
    fn has_gated_end(self) -> bool {
        matches!(self, Self::Broken | Self::Reset)
    }
}

/// A proxy in front of an upstream that cuts the first answer for each path, and no other.
struct Proxy {
    registry: ScriptedRegistry,
    gate: Gate,
    tap: Tap,
    server: Server,
    asked: Requests,
    fills: Tasks,
    kept: Kept,
    _tls: Tls,
}

impl Proxy {
    /// Of `file` the first answer has `sent` bytes.
    async fn start(
        file: &Bytes,
        (cut, speaks): (Cut, Speaks),
        sent: usize,
        on_miss: OnMiss,
        kept: Kept,
    ) -> Self {
        let gate = Gate::closed();
        let answer = {
            let (file, gate) = (file.clone(), gate.clone());
            // The gate before the last byte keeps the fill running until every client is there.
            move |nth| match nth {
                0 => Answer::new([file.slice(..sent - 1), file.slice(sent - 1..sent)])
                    .framing(cut.framing(file.len() - sent))
                    .gated(&gate),
                _ => Answer::new([file.clone()]),
            }
        };
        Self::answering(speaks, on_miss, kept, gate, answer).await
    }

    async fn answering(
        speaks: Speaks,
        on_miss: OnMiss,
        kept: Kept,
        gate: Gate,
        answer: impl Fn(usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let tls = Tls::new();
        let script = move |request: &support::Recorded| answer(request.nth);
        let registry = match speaks {
            Speaks::Http1 => ScriptedRegistry::http1(script).await,
            Speaks::Http2 => ScriptedRegistry::tls(&tls, script).await,
        };
        let roots = std::fs::read(tls.authority_file()).unwrap();
        let client = Client::with_roots(roots).unwrap();
        let (tap, asked) = (Tap::new(), Requests::new());
        // Inside of the upstream, which reads small answers before it passes them on.
        let upstream = Upstream::with_client(&registry.url(), tapped(&tap, client)).unwrap();
        // A small answer that breaks off would be asked for again, and nobody would see the cut.
        let upstream = upstream.retries(0);

        let layer = FillLayer::new(kept.storage())
            .area(Area::Included)
            .on_miss(on_miss);
        let proxy = layer.layer(upstream);
        let asked_too = asked.clone();
        let server = Server::start(proxy.map_request(move |request: http::Request<_>| {
            let (parts, body) = request.into_parts();
            asked_too.record(parts.clone());
            http::Request::from_parts(parts, body)
        }));
        let server = server.await;
        Self {
            registry,
            gate,
            tap,
            server,
            asked,
            fills: layer.fills(),
            kept,
            _tls: tls,
        }
    }

    async fn get(&self, protocol: Protocol, path: &str) -> Answered {
        get(self.server.address(), protocol, path).await
    }

    /// All of them ask while the fill runs; then the cut comes.
    async fn cut(&self, cut: Cut, sent: usize, clients: &[Protocol], path: &str) -> Vec<Answered> {
        let address = self.server.address();
        let mut running = Vec::new();
        for (i, protocol) in clients.iter().copied().enumerate() {
            let path = path.to_owned();
            running.push(tokio::spawn(
                async move { get(address, protocol, &path).await },
            ));
            self.asked.arrived(i + 1).await;
        }
        self.gate.allow(1);
        if cut.has_gated_end() {
            self.tap.passed(sent as u64).await;
            self.gate.allow(1);
        }
        let mut answered = Vec::new();
        for client in running {
            answered.push(client.await.unwrap());
        }
        self.fills.idle().await;
        answered
    }
}

/// The same in every way: each protocol alone and all together, each point, with and without waiting.
async fn never_looks_complete(cut: Cut, speaks: Speaks) {
    let zip = Bytes::from(large_module_zip("example.com/m", "v1.0.0", 10_000_000));
    let path = format!("/{MODULE}.zip");
    for sent in [1, 6_000_000, zip.len() - 1] {
        for on_miss in [OnMiss::Stream, OnMiss::Wait] {
            for clients in [
                &[Protocol::Http10][..],
                &[Protocol::Http11],
                &[Protocol::Http2],
                &Protocol::ALL,
            ] {
                let case = format!("{cut:?} {speaks:?} at {sent}, {on_miss:?}, {clients:?}");
                // On disk a look-up takes its time, and who comes after the cut asks anew.
                let kept = match clients {
                    [_] => Kept::on_disk(),
                    _ => Kept::in_memory(),
                };
                let proxy = Proxy::start(&zip, (cut, speaks), sent, on_miss.clone(), kept).await;
                for (answered, protocol) in proxy
                    .cut(cut, sent, clients, &path)
                    .await
                    .iter()
                    .zip(clients)
                {
                    let (status, broken) = (answered.status, &answered.broken);
                    assert!(!answered.is_whole(), "{case}: looks whole to {protocol:?}");
                    if status == Some(http::StatusCode::OK) {
                        assert!(
                            matches!(on_miss, OnMiss::Stream),
                            "{case}: {protocol:?} has seen unchecked bytes, then {broken:?}"
                        );
                        assert!(
                            answered.body.len() <= sent && zip.starts_with(&answered.body),
                            "{case}: {protocol:?} got bytes that were never sent"
                        );
                    } else if status.is_some() {
                        assert_eq!(status.unwrap(), 502, "{case}: {}", answered.text());
                    }
                }
                assert_eq!(proxy.registry.requests().total(), 1, "{case}");
                assert_eq!(proxy.kept.names().await, [""; 0], "{case}");

                let next = proxy.get(clients[0], &path).await.whole();
                next.assert_is(&zip);
                assert_eq!(next.cache_status(), "fwd=miss; stored", "{case}");
                proxy.fills.idle().await;
                let stored = proxy.kept.read(&path[1..]).await;
                assert!(stored == zip, "{case}: stored something else");
                assert_eq!(proxy.registry.requests().total(), 2, "{case}");
            }
        }
    }
}

#[tokio::test]
async fn a_content_length_that_is_not_met() {
    never_looks_complete(Cut::Short, Speaks::Http1).await;
}

#[tokio::test]
async fn chunks_without_a_last_one() {
    never_looks_complete(Cut::Broken, Speaks::Http1).await;
}

#[tokio::test]
async fn chunks_that_end_cleanly_and_too_early() {
    never_looks_complete(Cut::Early, Speaks::Http1).await;
}

#[tokio::test]
async fn a_body_that_ends_with_its_connection() {
    never_looks_complete(Cut::Close, Speaks::Http1).await;
}

#[tokio::test]
async fn a_connection_that_is_reset() {
    never_looks_complete(Cut::Reset, Speaks::Http1).await;
}

#[tokio::test]
async fn an_http2_stream_that_is_reset() {
    never_looks_complete(Cut::Broken, Speaks::Http2).await;
}

#[tokio::test]
async fn an_http2_stream_that_ends_before_its_content_length() {
    never_looks_complete(Cut::Short, Speaks::Http2).await;
}

#[tokio::test]
async fn an_http2_stream_that_ends_cleanly_and_too_early() {
    never_looks_complete(Cut::Early, Speaks::Http2).await;
}

#[tokio::test]
async fn an_info_cut_at_any_byte() {
    let info = Bytes::from_static(INFO);
    let path = format!("/{MODULE}.info");
    for cut in [Cut::Short, Cut::Broken, Cut::Early, Cut::Close] {
        for sent in 1..info.len() {
            let (kind, kept) = ((cut, Speaks::Http1), Kept::in_memory());
            let proxy = Proxy::start(&info, kind, sent, OnMiss::Stream, kept).await;
            for answered in proxy.cut(cut, sent, &Protocol::ALL, &path).await {
                assert!(!answered.is_whole(), "{cut:?} at {sent}: {answered:?}");
            }
            assert_eq!(proxy.kept.names().await, [""; 0]);
            let next = proxy.get(Protocol::Http11, &path).await.whole();
            assert_eq!(next.body, info);
        }
    }
}

/// What is not stored is not checked either; but no end is made up for it.
#[tokio::test]
async fn an_answer_that_only_passes_through() {
    let (path, list) = (
        "/example.com/m/@v/list",
        Bytes::from("v1.0.0\nv1.1.0\n".repeat(1000)),
    );
    for speaks in [Speaks::Http1, Speaks::Http2] {
        for cut in [Cut::Short, Cut::Broken] {
            for protocol in Protocol::ALL {
                let (gate, list) = (Gate::closed(), list.clone());
                let sent = list.len() - 7;
                let proxy = {
                    let (gate, list) = (gate.clone(), list.clone());
                    let kept = Kept::in_memory();
                    Proxy::answering(speaks, OnMiss::Stream, kept, gate.clone(), move |nth| {
                        match nth {
                            0 => Answer::new([list.slice(..7), list.slice(7..sent)])
                                .framing(cut.framing(7))
                                .gated(&gate),
                            _ => Answer::new([list.clone()]).framing(Framing::Chunked),
                        }
                    })
                    .await
                };
                let case = format!("{speaks:?} {cut:?} {protocol:?}");
                let answered = proxy.cut(cut, sent, &[protocol], path).await;
                assert!(!answered[0].is_whole(), "{case}: looks whole");
                let next = proxy.get(protocol, path).await.whole();
                next.assert_is(&list);
                assert_eq!(proxy.kept.names().await, [""; 0], "{case}");
            }
        }
    }
}
