//! While a stored file is read.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use http::Request;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, sleep};
use tower::Layer as _;
use tower_goproxy::Storage;
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::source::Area;

use super::proxy::{HIT, PATH, Proxy, SIZES};
use super::support::faulty_store::{Fault, FaultyStore, Step};
use super::support::plain_source::PlainSource;
use super::support::{ask, get, large_module_zip, read, within};

/// More than is read before the head of an answer.
const LARGE: usize = 300_000;

/// A stored file that breaks while it is read is never a clean short end.
#[tokio::test(start_paused = true)]
async fn a_file_that_breaks_off_never_looks_whole() {
    for fault in [Fault::Fail, Fault::Short, Fault::Empty, Fault::Panic] {
        let zip = large_module_zip("example.com/m", "v1.0.0", LARGE);
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

/// A small one is read before its answer has begun, so there is still a way to the source.
#[tokio::test(start_paused = true)]
async fn a_small_file_that_breaks_off_or_stalls_comes_from_the_source() {
    for fault in [
        Fault::Fail,
        Fault::Short,
        Fault::Empty,
        Fault::Stall,
        Fault::Panic,
    ] {
        let zip = large_module_zip("example.com/m", "v1.0.0", SIZES[0]);
        let proxy = Proxy::new(FaultyStore::sound(), PlainSource::new(zip), OnMiss::Stream);
        proxy.get().await.2.unwrap();
        proxy.fills.idle().await;

        proxy.store.set(Some((Step::Read, fault)));
        let (status, cache_status, body) = proxy.get().await;
        assert_eq!(status.as_u16(), 200, "{fault:?}");
        assert_eq!(cache_status, "tower-goproxy; fwd=miss");
        assert!(body.unwrap() == *proxy.source.file());

        proxy.store.set(None);
        let (_, cache_status, body) = proxy.get().await;
        assert_eq!(cache_status, HIT);
        assert!(body.unwrap() == *proxy.source.file());
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_comes_no_further_breaks_in_time() {
    let limit = Duration::from_secs(7);
    let store = FaultyStore::sound();
    let source = PlainSource::new(large_module_zip("example.com/m", "v1.0.0", LARGE));
    let layer = FillLayer::new(Storage::new(Arc::new(store.clone())))
        .area(Area::Included)
        .on_miss(OnMiss::Wait)
        .storage_timeout(limit);
    let fill = layer.layer(source.service());
    ask(&fill, get(PATH)).await;

    store.set(Some((Step::Read, Fault::Stall)));
    let hit = ask(&fill, get(PATH)).await;
    assert_eq!(hit.headers()["cache-status"], HIT);
    let mut body = hit.into_body();
    let half = source.file().len() / 2;
    assert!(read(&mut body, half).await.unwrap() == source.file()[..half]);
    // However long the client takes: that is not the store's time.
    sleep(10 * limit).await;
    let begun = Instant::now();
    assert!(within(read(&mut body, 1)).await.is_err());
    assert_eq!(begun.elapsed().as_secs(), limit.as_secs());
    assert!(body.frame().await.is_none(), "an error is the end");
    assert_eq!(source.asked(), 1);
}
