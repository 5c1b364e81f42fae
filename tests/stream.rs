//! A client has each part of a missing file before the source has sent the next one.
#![cfg(all(feature = "fill", feature = "upstream"))]

#[macro_use]
mod support;

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use object_store::ObjectStore as _;
use object_store::memory::InMemory;
use support::storages::files;
use support::{
    Answer, Framing, Gate, HeldStore, ScriptedRegistry, Server, Source, ask, fetch, get,
    large_module_zip, read, web_client, whole, within, within_minutes,
};
use tokio::time::Instant;
use tower::ServiceBuilder;
use tower_goproxy::fill::{Fill, FillLayer, OnDisconnect};
use tower_goproxy::source::Area;
use tower_goproxy::{Storage, Upstream};

const ZIP: &str = "/example.com/m/@v/v1.0.0.zip";
const PARTS: usize = 20;

/// A little more than 20 MiB.
fn zip() -> Bytes {
    static ZIP: LazyLock<Bytes> =
        LazyLock::new(|| large_module_zip("example.com/m", "v1.0.0", PARTS << 20).into());
    ZIP.clone()
}

fn part() -> usize {
    zip().len().div_ceil(PARTS)
}

fn gated(framing: Framing) -> (Answer, Gate) {
    let gate = Gate::closed();
    let answer = Answer::in_parts(zip(), part())
        .framing(framing)
        .gated(&gate);
    (answer, gate)
}

fn proxy(layer: &FillLayer<Area>, source: &Source) -> Fill<Source> {
    ServiceBuilder::new().layer(layer).service(source.clone())
}

/// Reads part after part, and lets the next one be sent only then.
async fn assert_parts_arrive_one_by_one<B>(mut body: B, gate: &Gate)
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Debug,
{
    let (content, mut received) = (zip(), 0);
    for sent in 1..PARTS {
        // Where no length was declared any part may be the last, and its end waits for the check.
        let held_back = if body.size_hint().exact().is_some() {
            0
        } else {
            64
        };
        let want = sent * part() - held_back - received;
        let bytes = read(&mut body, want).await.unwrap();
        assert_eq!(bytes.len(), want, "no more than part {sent} was sent");
        assert!(content[received..].starts_with(&bytes));
        received += bytes.len();
        assert_eq!(gate.sent_so_far(), sent);
        gate.allow(1);
    }
    let rest = body.collect().await.unwrap().to_bytes();
    assert!(rest == content[received..]);
    gate.sent(PARTS).await;
}

on_each_storage! {
    async fn each_part_arrives_before_the_next_one_is_sent(storage: Storage) {
        let (answer, gate) = gated(Framing::Length);
        let layer = FillLayer::new(storage).area(Area::Included);
        let source = Source::serving(ZIP, answer);
        let response = ask(&proxy(&layer, &source), get(ZIP)).await;
        assert_parts_arrive_one_by_one(response.into_body(), &gate).await;
        layer.fills().idle().await;
    }

    async fn each_part_arrives_before_the_next_one_is_sent_if_the_length_is_unknown(storage: Storage) {
        let (answer, gate) = gated(Framing::Chunked);
        let layer = FillLayer::new(storage).area(Area::Included);
        let source = Source::serving(ZIP, answer);
        let response = ask(&proxy(&layer, &source), get(ZIP)).await;
        assert_parts_arrive_one_by_one(response.into_body(), &gate).await;
        layer.fills().idle().await;
    }
}

/// Over real connections on both sides of the proxy.
async fn assert_streams_over(upstream_http2: bool, client_http2: bool) {
    for framing in [Framing::Length, Framing::Chunked] {
        let (answer, gate) = gated(framing);
        let script = move |_: &support::Recorded| answer.clone();
        let registry = if upstream_http2 {
            ScriptedRegistry::h2c(script).await
        } else {
            ScriptedRegistry::http1(script).await
        };
        let upstream = Upstream::with_client(&registry.url(), web_client(upstream_http2)).unwrap();
        let layer = FillLayer::new(Storage::memory()).area(Area::Included);
        let server = Server::start(ServiceBuilder::new().layer(&layer).service(upstream)).await;
        let client = web_client(client_http2);
        let url = format!("{}{ZIP}", server.url());

        let response = fetch(&client, &url).await;
        assert_eq!(
            response.headers().contains_key("content-length"),
            framing == Framing::Length
        );
        assert_parts_arrive_one_by_one(response.into_body(), &gate).await;
        layer.fills().idle().await;

        let hit = fetch(&client, &url).await;
        assert_eq!(hit.headers()["cache-status"], "tower-goproxy; hit");
        assert!(hit.into_body().collect().await.unwrap().to_bytes() == zip());
        assert_eq!(registry.requests().total(), 1);
    }
}

#[tokio::test]
async fn from_http1_to_http1() {
    within_minutes(assert_streams_over(false, false)).await;
}

#[tokio::test]
async fn from_http1_to_http2() {
    within_minutes(assert_streams_over(false, true)).await;
}

#[tokio::test]
async fn from_http2_to_http1() {
    within_minutes(assert_streams_over(true, false)).await;
}

#[tokio::test]
async fn from_http2_to_http2() {
    within_minutes(assert_streams_over(true, true)).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_visible_in_the_storage_while_the_client_already_reads() {
    within(async {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(InMemory::new());
        let stores: [(Storage, &dyn Fn() -> usize); 2] = [
            (Storage::disk(folder.path()).unwrap(), &|| {
                let visible = |path: &&std::path::PathBuf| !path.starts_with(".staging");
                files(folder.path()).iter().filter(visible).count()
            }),
            (Storage::new(store.clone()), &|| {
                let all = futures_util::StreamExt::collect::<Vec<_>>(store.list(None));
                let all = futures_util::FutureExt::now_or_never(all).unwrap_or_default();
                let is_zip = |name: &&object_store::path::Path| name.as_ref().ends_with(".zip");
                all.iter()
                    .flatten()
                    .map(|meta| &meta.location)
                    .filter(is_zip)
                    .count()
            }),
        ];
        for (storage, visible) in stores {
            let (answer, gate) = gated(Framing::Length);
            let layer = FillLayer::new(storage).area(Area::Included);
            let source = Source::serving(ZIP, answer);
            let mut body = ask(&proxy(&layer, &source), get(ZIP)).await.into_body();
            for sent in 1..PARTS {
                read(&mut body, part()).await.unwrap();
                gate.sent(sent).await;
                assert_eq!(visible(), 0, "after part {sent}");
                gate.allow(1);
            }
            layer.fills().idle().await;
            assert_eq!(visible(), 1);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_does_not_wait_until_its_file_is_stored() {
    within(async {
        let store = HeldStore::new();
        store.take_files(false);
        let content = Bytes::from(large_module_zip("example.com/m", "v1.0.0", 1_100_000));
        let source = Source::serving(ZIP, Answer::new([content.clone()]));
        let layer = FillLayer::new(Storage::new(Arc::new(store.clone()))).area(Area::Included);
        let proxy = proxy(&layer, &source);
        for cache_status in ["fwd=miss; stored", "fwd=miss; collapsed"] {
            let response = ask(&proxy, get(ZIP)).await;
            let expected = format!("tower-goproxy; {cache_status}");
            assert_eq!(response.headers()["cache-status"], expected);
            let begun = Instant::now();
            assert!(whole(response.into_body()).await.unwrap() == content);
            assert!(begun.elapsed().is_zero(), "nothing had to happen first");
            assert_eq!(layer.fills().running(), 1);
        }
        store.take_files(true);
        layer.fills().idle().await;
        let hit = ask(&proxy, get(ZIP)).await;
        assert_eq!(hit.headers()["cache-status"], "tower-goproxy; hit");
        assert_eq!(source.requests().total(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_fill_without_readers_goes_on_at_the_pace_of_its_source() {
    within(async {
        let (answer, gate) = gated(Framing::Length);
        let source = Source::serving(ZIP, answer);
        let layer = FillLayer::new(Storage::memory())
            .area(Area::Included)
            .on_disconnect(OnDisconnect::Finish);
        let proxy = proxy(&layer, &source);
        drop(ask(&proxy, get(ZIP)).await);
        gate.open();
        layer.fills().idle().await;
        let hit = ask(&proxy, get(ZIP)).await;
        assert!(whole(hit.into_body()).await.unwrap() == zip());
    })
    .await;
}
