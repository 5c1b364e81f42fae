//! While a file is looked up.

use http::{Method, Request, StatusCode};
use tower_goproxy::fill::OnMiss;

use super::proxy::{Proxy, SIZES};
use super::support::faulty_store::{Fault, FaultyStore, Step};
use super::support::large_module_zip;
use super::support::plain_source::PlainSource;

/// As the source sends it: a range of it was not asked for.
#[tokio::test(start_paused = true)]
async fn a_range_and_a_head_come_from_the_source() {
    for fault in [Fault::Fail, Fault::Stall, Fault::Panic] {
        let proxy = proxy(fault, OnMiss::Stream);
        let range = Request::get("/").header("range", "bytes=1000-1999");
        let (status, _, body) = proxy.ask(range).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{fault:?}");
        proxy.assert_whole(body, "a range");
        proxy.fills.idle().await;

        proxy.store.set(Some((Step::LookUp, fault)));
        let head = Request::builder().method(Method::HEAD);
        let (status, cache_status, _) = proxy.ask(head).await.unwrap();
        assert_eq!(status, StatusCode::OK, "{fault:?}");
        assert_eq!(cache_status, "tower-goproxy; fwd=miss", "{fault:?}");
        assert_eq!(proxy.source.asked(), 2, "{fault:?}");
        assert_eq!(proxy.store.names().await, [""; 0], "{fault:?}");
    }
}

/// A storage that cannot be asked is no reason to say that a file is not there, or to fetch it
/// behind a client for nobody.
#[tokio::test(start_paused = true)]
async fn a_client_that_would_not_wait_is_never_told_that_there_is_no_file() {
    for fault in [Fault::Fail, Fault::Stall, Fault::Panic] {
        let proxy = proxy(fault, OnMiss::NotFound);
        for asked in 1..=2 {
            let (status, cache_status, body) = proxy.get().await;
            assert_eq!(status, StatusCode::OK, "{fault:?}");
            assert_eq!(cache_status, "tower-goproxy; fwd=miss", "{fault:?}");
            assert!(body.unwrap() == *proxy.source.file(), "{fault:?}");
            proxy.fills.idle().await;
            assert_eq!(proxy.source.asked(), asked, "{fault:?}");
        }
        assert_eq!(proxy.store.names().await, [""; 0], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_redirected_starts_no_fill() {
    for fault in [Fault::Fail, Fault::Stall, Fault::Panic] {
        let on_miss = OnMiss::redirect("https://registry.test").unwrap();
        let proxy = proxy(fault, on_miss);
        let (status, cache_status, _) = proxy.get().await;
        assert_eq!(status, StatusCode::SEE_OTHER, "{fault:?}");
        assert_eq!(cache_status, "tower-goproxy; fwd=miss", "{fault:?}");
        assert_eq!(proxy.fills.running(), 0, "{fault:?}");
        assert_eq!(proxy.source.asked(), 0, "{fault:?}");
    }
}

/// Whether it is stored is all that such a client asks, and nobody knows.
#[tokio::test(start_paused = true)]
async fn a_client_that_wants_only_what_is_stored_is_told_to_come_again() {
    let all = [
        OnMiss::Stream,
        OnMiss::Wait,
        OnMiss::NotFound,
        OnMiss::redirect("https://registry.test").unwrap(),
    ];
    for on_miss in all {
        for fault in [Fault::Fail, Fault::Stall, Fault::Panic] {
            let case = format!("{fault:?}, {on_miss:?}");
            let proxy = proxy(fault, on_miss.clone());
            let stored = || Request::get("/").header("disable-module-fetch", "true");
            let (status, _, _) = proxy.ask(stored()).await.unwrap();
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{case}");
            assert_eq!(proxy.source.asked(), 0, "{case}");

            // Here it is known.
            proxy.store.set(None);
            let (status, _, _) = proxy.ask(stored()).await.unwrap();
            assert_eq!(status, StatusCode::NOT_FOUND, "{case}");
            assert_eq!(proxy.source.asked(), 0, "{case}");
        }
    }
}

/// A plain request looks a file up by opening it.
fn proxy(fault: Fault, on_miss: OnMiss) -> Proxy {
    let zip = large_module_zip("example.com/m", "v1.0.0", SIZES[0]);
    let store = FaultyStore::new(Step::Open, fault);
    Proxy::new(store, PlainSource::new(zip), on_miss)
}
