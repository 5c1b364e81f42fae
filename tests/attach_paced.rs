//! Two hundred clients of one missing file of 100 MiB, who come at thirty moments of its fill and
//! read at every pace from 10 KB/s up. Time is paused: what passes is the time that such a client
//! takes, and nothing waits for it.
#![cfg(feature = "fill")]

mod support;

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::BodyExt as _;
use support::{Answer, Gate, Source, ask, get, large_module_zip, quiet, read, within};
use tokio::time::{Instant, sleep_until};
use tower::ServiceBuilder;
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer};
use tower_goproxy::source::Area;

const ZIP: &str = "/example.com/big/@v/v1.0.0.zip";
const MOMENTS: usize = 30;
const CLIENTS: usize = 200;

/// Bytes in a second.
const PACES: [Option<u64>; 5] = [
    Some(10_000),
    Some(100_000),
    Some(1_000_000),
    Some(20_000_000),
    None,
];

/// Reads all of it at this pace, each frame compared with what belongs there.
async fn read_paced(proxy: Fill<Source>, content: Bytes, pace: Option<u64>) {
    let mut body = ask(&proxy, get(ZIP)).await.into_body();
    let (begun, mut position) = (Instant::now(), 0);
    while let Some(frame) = body.frame().await {
        let data = frame.expect("nobody is cut").into_data().expect("data");
        assert!(
            content[position..].starts_with(&data),
            "wrong bytes at {position}"
        );
        position += data.len();
        if let Some(pace) = pace {
            let millis = position as u64 * 1000 / pace;
            sleep_until(begun + Duration::from_millis(millis)).await;
        }
    }
    assert_eq!(position, content.len());
}

#[tokio::test(start_paused = true)]
async fn two_hundred_clients_of_every_pace_get_one_fill() {
    within(async {
        let content = Bytes::from(large_module_zip("example.com/big", "v1.0.0", 100 << 20));
        let part = content.len().div_ceil(MOMENTS);
        let gate = Gate::closed();
        let source = Source::serving(ZIP, Answer::in_parts(content.clone(), part).gated(&gate));
        let folder = tempfile::tempdir().unwrap();
        let layer = FillLayer::new(Storage::disk(folder.path()).unwrap()).area(Area::Included);
        let proxy = ServiceBuilder::new().layer(&layer).service(source.clone());

        let first = {
            let (proxy, quarter) = (proxy.clone(), content.slice(..content.len() / 4));
            tokio::spawn(async move {
                let mut body = ask(&proxy, get(ZIP)).await.into_body();
                let received = read(&mut body, quarter.len()).await.unwrap();
                assert!(received.starts_with(&quarter));
            })
        };
        quiet().await;
        let mut clients = Vec::new();
        for moment in 0..MOMENTS {
            gate.sent(moment + 1).await;
            for client in (1..CLIENTS).filter(|client| client % MOMENTS == moment) {
                // Each moment has clients of each pace.
                let pace = PACES[client / MOMENTS % PACES.len()];
                clients.push(tokio::spawn(read_paced(
                    proxy.clone(),
                    content.clone(),
                    pace,
                )));
            }
            quiet().await;
            gate.allow(1);
        }
        first.await.unwrap();
        assert_eq!(clients.len(), CLIENTS - 1);
        for client in join_all(clients).await {
            client.unwrap();
        }
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 1);
    })
    .await;
}
