//! While a store takes a whole file, or throws away a part of one.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::time::Instant;
use tower::{Layer as _, ServiceBuilder};
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;

use super::proxy::{PATH, SIZES};
use super::support::faulty_store::{Fault, FaultyStore, Step};
use super::support::plain_source::PlainSource;
use super::support::{Answer, Source, ask, get, large_module_zip, whole, within};

const MOD: &str = "module example.com/m\n";

/// The one place there is belongs to the source, and the source is done.
#[tokio::test(start_paused = true)]
async fn a_store_that_takes_no_file_keeps_nobody_from_the_source() {
    let store = FaultyStore::new(Step::Put, Fault::Stall);
    let source = Source::new(|_| Answer::new([MOD]));
    let layer = FillLayer::new(Storage::new(Arc::new(store.clone())))
        .area(Area::Included)
        .max_small_requests(1)
        .max_wait(Duration::from_secs(1))
        .commit_timeout(Duration::from_secs(60));
    let proxy = ServiceBuilder::new().layer(&layer).service(source.clone());
    let begun = Instant::now();
    for asked in 1..=5 {
        let path = format!("/example.com/m/@v/v1.{asked}.0.mod");
        let response = ask(&proxy, get(&path)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(whole(response.into_body()).await.unwrap(), MOD);
        assert!(begun.elapsed().is_zero(), "file {asked} waited");
        assert_eq!(layer.fills().running(), asked, "the commits hang");
    }
    within(layer.fills().idle()).await;
    assert!(begun.elapsed() >= Duration::from_secs(60));
    assert_eq!((store.struck(), source.requests().total()), (5, 5));
}

#[tokio::test(start_paused = true)]
async fn an_upload_is_thrown_away_before_its_fill_is_over() {
    let second = Duration::from_secs(1);
    let store = FaultyStore::new(Step::Abort, Fault::Slow(second));
    let source = PlainSource::new(large_module_zip("example.com/other", "v1.0.0", SIZES[1]));
    let layer = FillLayer::new(Storage::new(Arc::new(store.clone()))).area(Area::Included);
    let response = ask(&layer.layer(source.service()), get(PATH)).await;
    let begun = Instant::now();
    let error = whole(response.into_body()).await.unwrap_err();
    assert!(error.to_string().starts_with("502"), "{error}");
    assert!(
        begun.elapsed().is_zero(),
        "the client need not wait for that"
    );

    assert_eq!((store.aborted(), store.open_uploads()), (0, 1));
    within(layer.fills().idle()).await;
    assert_eq!((store.aborted(), store.open_uploads()), (1, 0));
    assert_eq!(begun.elapsed(), second);
    assert_eq!(store.names().await, [""; 0]);
}
