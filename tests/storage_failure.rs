//! A storage that fails or stalls costs no client a byte: the file is just not kept, and the next request asks again.
#![cfg(feature = "fill")]

mod support;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use support::faulty_store::{Fault, FaultyStore, Step};
use support::large_module_zip;
use support::plain_source::{PlainSource, Source};
use tokio::task::JoinHandle;
use tower::{Layer as _, ServiceExt as _};
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer, Fills, OnMiss};

const PATH: &str = "/example.com/m/@v/v1.0.0.zip";
const HIT: &str = "tower-goproxy; hit";

/// One put, and three parts.
const SIZES: [usize; 2] = [100_000, 12 << 20];

struct Proxy {
    store: FaultyStore,
    source: PlainSource,
    fill: Fill<Source>,
    fills: Fills,
}

/// What a client got: status, `Cache-Status`, and the body, or where it broke.
type Got = (StatusCode, String, Result<Bytes, String>);

impl Proxy {
    fn new(store: FaultyStore, source: PlainSource, on_miss: OnMiss) -> Self {
        let layer = FillLayer::new(Storage::new(Arc::new(store.clone()))).on_miss(on_miss);
        Self {
            store,
            fill: layer.layer(source.service()),
            source,
            fills: layer.fills(),
        }
    }

    fn ask(&self, request: http::request::Builder) -> JoinHandle<Got> {
        let request = request.uri(PATH).body(()).unwrap();
        let fill = self.fill.clone();
        tokio::spawn(async move {
            let response = fill
                .oneshot(request)
                .await
                .unwrap_or_else(|never| match never {});
            let status = response.status();
            let cache_status = response.headers()["cache-status"]
                .to_str()
                .unwrap()
                .to_owned();
            let body = response.into_body().collect().await;
            let body = body
                .map(|body| body.to_bytes())
                .map_err(|error| error.to_string());
            (status, cache_status, body)
        })
    }

    async fn get(&self) -> Got {
        self.ask(Request::get("/"))
            .await
            .expect("the client's task does not panic")
    }

    /// One client after the other asks while the fill runs.
    async fn get_by_three(&self) -> Vec<Got> {
        let clients = [(); 3].map(|()| self.ask(Request::get("/")));
        let mut all = Vec::new();
        for client in clients {
            all.push(client.await.expect("the client's task does not panic"));
        }
        all
    }

    /// A miss with the fault, a miss without, a hit.
    async fn is_harmless(&self, case: &str) {
        let file = self.source.file().clone();
        for (status, _, body) in self.get_by_three().await {
            assert_eq!(status, StatusCode::OK, "{case}");
            let body = body.unwrap_or_else(|error| panic!("{case}: {error}"));
            assert!(
                body == file,
                "{case}: {} bytes of {}",
                body.len(),
                file.len()
            );
        }
        self.fills.idle().await;
        assert!(self.store.struck() > 0, "{case}: nothing has gone wrong");
        assert_eq!(self.source.asked(), 1, "{case}");
        assert_eq!(self.store.names().await, [""; 0], "{case}");
        self.store.no_open_uploads().await;

        self.store.set(None);
        let (status, cache_status, body) = self.get().await;
        let miss = "tower-goproxy; fwd=miss; stored";
        assert_eq!(
            (status.as_u16(), cache_status.as_str()),
            (200, miss),
            "{case}"
        );
        assert!(body.unwrap() == file, "{case}");
        self.fills.idle().await;
        assert_eq!(self.source.asked(), 2, "{case}");
        let (_, cache_status, body) = self.get().await;
        assert_eq!(cache_status, HIT, "{case}");
        assert!(body.unwrap() == file, "{case}");
    }
}

async fn harmless_at(steps: &[Step], size: usize) {
    for step in steps {
        for fault in [Fault::Fail, Fault::Stall, Fault::Panic] {
            for on_miss in [OnMiss::Stream, OnMiss::Wait] {
                for declared in [true, false] {
                    let case = format!("{fault:?} at {step:?}, {on_miss:?}, declared {declared}");
                    let source =
                        PlainSource::new(large_module_zip("example.com/m", "v1.0.0", size));
                    let source = if declared {
                        source
                    } else {
                        source.undeclared()
                    };
                    let store = FaultyStore::new(*step, fault);
                    let proxy = Proxy::new(store, source, on_miss.clone());
                    proxy.is_harmless(&case).await;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn at_open() {
    for size in SIZES {
        harmless_at(&[Step::Open], size).await;
    }
}

#[tokio::test(start_paused = true)]
async fn at_the_put_of_a_small_file() {
    harmless_at(&[Step::Put], SIZES[0]).await;
}

#[tokio::test(start_paused = true)]
async fn at_any_step_of_a_large_file() {
    let parts = [Step::Part(0), Step::Part(1), Step::Part(2)];
    harmless_at(&[Step::CreateMultipart], SIZES[1]).await;
    harmless_at(&parts, SIZES[1]).await;
    harmless_at(&[Step::Complete], SIZES[1]).await;
}

/// Ranges and conditions look the file up before they open it, and `HEAD` does nothing else.
#[tokio::test(start_paused = true)]
async fn at_look_up() {
    for fault in [Fault::Fail, Fault::Stall, Fault::Panic] {
        let zip = large_module_zip("example.com/m", "v1.0.0", SIZES[0]);
        let store = FaultyStore::new(Step::LookUp, fault);
        let proxy = Proxy::new(store, PlainSource::new(zip), OnMiss::Stream);
        let file = proxy.source.file().clone();

        let range = Request::get("/").header("range", "bytes=1000-1999");
        let (status, _, body) = proxy.ask(range).await.unwrap();
        assert_eq!(status, StatusCode::PARTIAL_CONTENT, "{fault:?}");
        assert_eq!(body.unwrap(), file[1000..2000], "{fault:?}");
        proxy.fills.idle().await;

        let head = Request::builder().method(Method::HEAD);
        let (status, _, _) = proxy.ask(head).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{fault:?}");
        assert_eq!(proxy.source.asked(), 2, "{fault:?}");
        assert_eq!(proxy.store.struck(), 2, "{fault:?}");
        assert_eq!(proxy.store.names().await, [""; 0], "{fault:?}");
    }
}

/// 1 KiB a second: the clients have everything long before, and the store is given up on.
#[tokio::test(start_paused = true)]
async fn a_slow_store_slows_no_client() {
    for (step, size) in [(Step::Put, SIZES[0]), (Step::Part(1), SIZES[1])] {
        let slow = Fault::Slow(Duration::from_secs(1));
        let zip = large_module_zip("example.com/m", "v1.0.0", size);
        let (source, store) = (PlainSource::new(zip), FaultyStore::new(step, slow));
        let storage = Storage::new(Arc::new(store.clone()));
        // 98 seconds would do for the small file, and 5120 for the part.
        let layer = FillLayer::new(storage).commit_timeout(Duration::from_secs(90));
        let (fill, fills) = (layer.layer(source.service()), layer.fills());
        let proxy = Proxy {
            store,
            source,
            fill,
            fills,
        };

        let begun = tokio::time::Instant::now();
        let (_, _, body) = proxy.get().await;
        assert!(body.unwrap() == *proxy.source.file());
        assert_eq!(begun.elapsed(), Duration::ZERO, "{step:?}");
        proxy.fills.idle().await;
        assert_eq!(begun.elapsed().as_secs(), 90, "{step:?}");
        assert_eq!(proxy.store.names().await, [""; 0]);
        proxy.store.no_open_uploads().await;
    }
}

/// Within the time it is given, a slow store gets the file.
#[tokio::test(start_paused = true)]
async fn a_slow_store_gets_the_file_in_time() {
    for (step, size) in [(Step::Put, SIZES[0]), (Step::Part(1), SIZES[1])] {
        let slow = Fault::Slow(Duration::from_millis(10));
        let zip = large_module_zip("example.com/m", "v1.0.0", size);
        let store = FaultyStore::new(step, slow);
        let proxy = Proxy::new(store, PlainSource::new(zip), OnMiss::Wait);
        proxy.get().await.2.unwrap();
        let (_, cache_status, body) = proxy.get().await;
        assert_eq!(cache_status, HIT, "{step:?}");
        assert!(body.unwrap() == *proxy.source.file());
        assert_eq!(proxy.source.asked(), 1);
    }
}

/// A stored file that breaks while it is read is never a clean short end.
#[tokio::test(start_paused = true)]
async fn while_a_hit_is_read() {
    for fault in [Fault::Fail, Fault::Short, Fault::Panic] {
        let zip = large_module_zip("example.com/m", "v1.0.0", SIZES[0]);
        let store = FaultyStore::sound();
        let proxy = Proxy::new(store, PlainSource::new(zip), OnMiss::Wait);
        proxy.get().await.2.unwrap();
        proxy.fills.idle().await;

        proxy.store.set(Some((Step::Read, fault)));
        let got = AssertUnwindSafe(proxy.ask(Request::get("/")))
            .catch_unwind()
            .await;
        if let Ok(Ok((status, cache_status, body))) = got {
            assert_eq!((status.as_u16(), cache_status.as_str()), (200, HIT));
            assert!(body.is_err(), "{fault:?}: looks whole");
        }
        proxy.store.set(None);
        let (_, cache_status, body) = proxy.get().await;
        assert_eq!(cache_status, HIT);
        assert!(body.unwrap() == *proxy.source.file());
    }
}
