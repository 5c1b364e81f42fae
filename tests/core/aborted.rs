//! A server that stops ends the fills that take too long.

use std::time::Duration;

use tokio::time::Instant;
use tower_goproxy::Storage;
use tower_goproxy::fill::OnMiss;

use crate::scene::{
    NOT_STORED, always, fetch, in_parts, key, large, layer, mod_file, proxy, registry, spawn_get,
    withheld,
};
use crate::support::faulty_store::{Fault, FaultyStore, Step};
use crate::support::{
    Answer, Gate, HeldStore, Kept, large_module_zip, quiet, within, within_minutes,
};

/// One fill whose clients read, one whose client has left, one that still waits for a slot, and one that only the storage
/// wants.
#[tokio::test]
async fn abort_ends_fills_with_and_without_clients_and_leaves_no_file() {
    within_minutes(async {
        let kept = Kept::on_disk();
        let (source, gate) = in_parts();
        gate.allow(4);
        let layer = layer(kept.storage()).max_fills(2);
        let fills = layer.fills();
        let streams = proxy(&layer, &source);
        let redirects = proxy(&layer.clone().on_miss(OnMiss::NotFound), &source);

        let read = spawn_get(&streams, &large(0));
        let left = spawn_get(&streams, &large(1));
        source.requests().arrived(2).await;
        left.abort();
        let waits = spawn_get(&streams, &large(2));
        fetch(&redirects, &large(3)).await.assert_status(404);
        while fills.running() < 4 {
            tokio::task::yield_now().await;
        }

        fills.abort();
        fills.idle().await;
        assert_eq!(fills.running(), 0);
        match read.await {
            Ok(got) if got.status == 200 => got.assert_broken(),
            Ok(got) => got.assert_status(502),
            Err(error) => panic!("{error}"),
        }
        waits.await.unwrap().assert_status(502);
        assert_eq!(kept.names().await, [""; 0]);

        // What comes later gets no file either.
        gate.open();
        fetch(&streams, &large(4)).await.assert_status(502);
        fills.idle().await;
        assert_eq!(kept.names().await, [""; 0]);
    })
    .await;
}

/// A bucket keeps the parts of an upload that nobody throws away.
#[tokio::test(start_paused = true)]
async fn uploads_are_thrown_away_before_abort_has_ended() {
    let store = FaultyStore::new(Step::Abort, Fault::Slow(Duration::from_secs(1)));
    let layer = layer(Storage::new(store.clone()));
    let zip = large_module_zip("example.com/large", "v1.0.0", 12_000_000);
    let gate = Gate::closed();
    let answer = Answer::in_parts(zip, 1_000_000).gated(&gate);
    let proxy = proxy(&layer, &always(answer));
    let client = spawn_get(&proxy, &large(0));
    gate.allow(9);
    quiet().await;
    assert_eq!((store.open_uploads(), layer.fills().running()), (1, 1));
    layer.fills().abort();
    within(layer.fills().idle()).await;
    assert_eq!((store.open_uploads(), store.aborted()), (0, 1));
    client.await.unwrap().assert_broken();
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_commit_that_is_cut_short_is_not_told_that_the_file_is_stored() {
    for path in [mod_file(0), large(0)] {
        let store = HeldStore::new();
        store.take_files(false);
        let layer = layer(Storage::new(store)).on_miss(OnMiss::Wait);
        let client = spawn_get(&proxy(&layer, &registry()), &path);
        quiet().await;
        layer.fills().abort();
        let got = within(client).await.unwrap();
        got.assert_file(&path, NOT_STORED);
        // Though the store goes on hanging.
        let begun = Instant::now();
        within(layer.fills().idle()).await;
        assert!(begun.elapsed().is_zero(), "{:?}", begun.elapsed());
    }
}

/// Neither begins an upload nor says what is there.
#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_delays_no_end_of_an_aborted_fill() {
    let store =
        FaultyStore::new(Step::CreateMultipart, Fault::Fail).then(Step::LookUp, Fault::Stall);
    let layer = layer(Storage::new(store.clone()));
    let zip = large_module_zip("example.com/large", "v1.0.0", 12_000_000);
    let gate = Gate::closed();
    let answer = Answer::in_parts(zip, 1_000_000).gated(&gate);
    let client = spawn_get(&proxy(&layer, &always(answer)), &large(0));
    gate.allow(9);
    quiet().await;
    assert_eq!((store.struck(), layer.fills().running()), (2, 1));
    layer.fills().abort();
    let begun = Instant::now();
    within(layer.fills().idle()).await;
    assert!(begun.elapsed().is_zero(), "{:?}", begun.elapsed());
    client.await.unwrap().assert_broken();
}

#[tokio::test]
async fn what_is_stored_is_served_after_abort() {
    let kept = Kept::in_memory();
    let layer = layer(kept.storage());
    let (source, gate) = withheld();
    gate.open();
    let proxy = proxy(&layer, &source);
    fetch(&proxy, &large(0)).await.assert_status(200);
    layer.fills().idle().await;
    layer.fills().abort();
    fetch(&proxy, &large(0)).await.assert_status(200);
    assert_eq!(kept.names().await, [key(&large(0))]);
}
