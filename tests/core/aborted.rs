//! A server that stops ends the fills that take too long.

use tower_goproxy::fill::OnMiss;

use crate::scene::{fetch, in_parts, key, large, layer, proxy, spawn_get, withheld};
use crate::support::{Kept, quiet, within_minutes};

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
    quiet().await;
    fetch(&proxy, &large(0)).await.assert_status(200);
    assert_eq!(kept.names().await, [key(&large(0))]);
}
