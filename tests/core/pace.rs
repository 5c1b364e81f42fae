//! How long a source may take, and how slow it may be. All in paused time.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{Method, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, Empty, StreamBody};
use tokio::time::{Instant, sleep};
use tower::service_fn;
use tower::util::BoxCloneSyncService;
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;
use tower_goproxy::verify::{Verified, Verify, VerifyFuture, Verifying, WholeFile};

use crate::scene::{HIT, LATEST, LIST, STORED, content, fetch, large, layer, proxy, send, small};
use crate::support::plain_source;
use crate::support::{HeldStore, ask, get, large_module_zip, read, request, whole, within};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// Sends its head after a while, and then a part of its file now and then.
#[derive(Clone)]
struct Slow {
    head_after: Duration,
    part: usize,
    every: Duration,
    caching: &'static str,
    file: fn(&str) -> Bytes,
}

impl Slow {
    fn new(part: usize, every: Duration) -> Self {
        Self {
            head_after: Duration::ZERO,
            part,
            every,
            caching: "public",
            file: content,
        }
    }

    /// Slow for paths with `large` and for lists, else at once.
    fn service(self) -> plain_source::Source {
        BoxCloneSyncService::new(service_fn(move |request: Request<Empty<Bytes>>| {
            let slow = self.clone();
            async move {
                let path = request.uri().path();
                let is_slow = path.contains("large") || path.ends_with("list");
                let file = (slow.file)(path);
                let (part, every) = match is_slow {
                    true => (slow.part, slow.every),
                    false => (file.len(), Duration::ZERO),
                };
                if is_slow {
                    sleep(slow.head_after).await;
                }
                let head = Response::builder()
                    .header("cache-control", slow.caching)
                    .header("content-length", file.len());
                let parts = stream::unfold(file, move |mut rest| async move {
                    if rest.is_empty() {
                        return None;
                    }
                    sleep(every).await;
                    let part = rest.split_to(rest.len().min(part));
                    Some((Ok::<_, Infallible>(Frame::data(part)), rest))
                });
                let body = StreamBody::new(parts).boxed_unsync();
                Ok(head.body(body).expect("a test's head is well-formed"))
            }
        }))
    }
}

/// One byte in two minutes, never silent for too long.
fn dripping() -> Slow {
    Slow::new(1, 2 * MINUTE)
}

/// One place for zips and one for all that is small.
fn one_place(storage: Storage) -> FillLayer<Area> {
    layer(storage)
        .max_fills(1)
        .max_small_requests(1)
        .max_wait(100 * HOUR)
}

on_each_storage! {
    /// The least rate is off.
    async fn a_source_that_drips_has_a_total_time(storage: Storage) {
        let layer = one_place(storage).min_rate(0).fill_timeout(HOUR);
        let proxy = proxy(&layer, &dripping().service());
        let begun = Instant::now();
        let client = fetch(&proxy, &large(0)).await;
        client.assert_broken();
        assert_eq!(begun.elapsed().as_secs(), HOUR.as_secs());
        fetch(&proxy, &small(0)).await.assert_file(&small(0), STORED);
        within(layer.fills().idle()).await;

        let begun = Instant::now();
        drop(ask(&proxy, get(&large(0))).await);
        fetch(&proxy, &small(1)).await.assert_file(&small(1), STORED);
        assert_eq!(begun.elapsed().as_secs(), HOUR.as_secs(), "without a client it is the same");
        within(layer.fills().idle()).await;
    }

    async fn a_source_that_drips_has_a_least_rate(storage: Storage) {
        let layer = one_place(storage).min_rate(1000);
        for slow in [dripping(), Slow::new(499, MINUTE / 120), Slow::new(50_000, MINUTE)] {
            let proxy = proxy(&layer, &slow.service());
            let begun = Instant::now();
            fetch(&proxy, &large(0)).await.assert_broken();
            assert!(begun.elapsed() < 10 * MINUTE, "{:?}", begun.elapsed());
            fetch(&proxy, &small(0)).await.assert_status(200);
            drop(ask(&proxy, get(&large(0))).await);
            within(layer.fills().idle()).await;
            assert!(begun.elapsed() < 20 * MINUTE, "{:?}", begun.elapsed());
        }
    }

    async fn a_source_that_keeps_to_the_least_rate_may_go_on(storage: Storage) {
        let layer = layer(storage).min_rate(1000);
        let proxy = proxy(&layer, &Slow::new(2_000, Duration::from_secs(1)).service());
        fetch(&proxy, &large(0)).await.assert_file(&large(0), STORED);
        within(layer.fills().idle()).await;
    }

    /// Of the two that no client waits for, one could take a place for hours.
    async fn a_server_that_stops_waits_for_fast_fills_alone(storage: Storage) {
        let layer = layer(storage).max_fills(2);
        let fast = proxy(&layer, &Slow::new(100_000, Duration::from_secs(4)).service());
        let dripping = proxy(&layer, &dripping().service());
        drop(ask(&fast, get(&large(0))).await);
        drop(ask(&dripping, get(&large(1))).await);
        let waiting = {
            let dripping = dripping.clone();
            tokio::spawn(async move { fetch(&dripping, &large(2)).await })
        };
        while layer.fills().running() < 3 {
            tokio::task::yield_now().await;
        }
        let begun = Instant::now();
        layer.fills().abort_slow();
        waiting.await.unwrap().assert_status(502);
        while layer.fills().running() > 1 {
            sleep(Duration::from_secs(1)).await;
        }
        assert!(begun.elapsed() < MINUTE / 4, "{:?}", begun.elapsed());
        within(layer.fills().idle()).await;
        assert!(begun.elapsed() > MINUTE / 2, "{:?}", begun.elapsed());
        fetch(&fast, &large(0)).await.assert_file(&large(0), HIT);
    }

    async fn so_has_a_source_that_drips_something_small(storage: Storage) {
        for layer in [
            one_place(storage.clone()).min_rate(0).fill_timeout(HOUR),
            one_place(storage.clone()),
        ] {
            let slow = Slow { file: |path| format!("{path:100}\n").into(), ..dripping() };
            let proxy = proxy(&layer, &slow.service());
            fetch(&proxy, "/example.com/large/@v/v1.0.0.mod").await.assert_status(504);
            within(fetch(&proxy, LATEST)).await.assert_status(200);
            // What is not checked passes as it comes.
            for path in [LIST, "/example.com/large/@latest"] {
                fetch(&proxy, path).await.assert_broken();
                within(fetch(&proxy, LATEST)).await.assert_status(200);
            }
            within(layer.fills().idle()).await;
        }
    }

    /// It must not be stored, so each client has it from the source.
    async fn so_has_a_source_whose_response_passes_unshared(storage: Storage) {
        let slow = Slow { caching: "no-store", ..dripping() };
        for layer in [
            one_place(storage.clone()).min_rate(0).fill_timeout(HOUR),
            one_place(storage.clone()),
        ] {
            let proxy = proxy(&layer, &slow.clone().service());
            let client = fetch(&proxy, &large(0)).await;
            assert_eq!(client.header("cache-control"), "no-store");
            client.assert_broken();
            within(fetch(&proxy, &small(0))).await.assert_status(200);
        }
    }

    async fn a_reader_of_an_unshared_response_that_stops_loses_its_place(storage: Storage) {
        let slow = Slow { caching: "no-store", ..Slow::new(10_000, Duration::from_millis(1)) };
        let layer = one_place(storage);
        let proxy = proxy(&layer, &slow.service());
        let mut stopped = ask(&proxy, get(&large(0))).await;
        read(stopped.body_mut(), 1).await.unwrap();
        within(fetch(&proxy, &small(0))).await.assert_status(200);
        assert!(whole(stopped.into_body()).await.is_err());
        within(layer.fills().idle()).await;
    }

    /// As a zip of 500 MiB at 80 KiB/s, whose source (go-get) first works for four minutes. Here the zip is smaller and
    /// the line slower.
    async fn an_honest_slow_source_survives_the_defaults(storage: Storage) {
        let slow = Slow {
            head_after: 4 * MINUTE,
            file: |_| large_module_zip("example.com/large", "v1.0.0", 7_000_000).into(),
            ..Slow::new(7_000, Duration::from_secs(6))
        };
        let layer = layer(storage);
        let begun = Instant::now();
        let got = fetch(&proxy(&layer, &slow.clone().service()), &large(0)).await;
        assert_eq!(got.cache_status(), STORED);
        assert!(got.body.unwrap() == (slow.file)(&large(0)));
        assert!(begun.elapsed() > 100 * MINUTE, "{:?}", begun.elapsed());
        within(layer.fills().idle()).await;
    }

    async fn a_source_may_be_silent_for_long_before_its_head(storage: Storage) {
        let slow = Slow { head_after: 4 * MINUTE + MINUTE / 2, ..Slow::new(100_000, MINUTE / 60) };
        let layer = layer(storage);
        let got = fetch(&proxy(&layer, &slow.service()), &large(0)).await;
        got.assert_file(&large(0), STORED);
        within(layer.fills().idle()).await;
    }

    async fn a_reader_that_stops_takes_no_time_of_the_source(storage: Storage) {
        let layer = layer(storage).fill_timeout(HOUR).min_rate(1000);
        let slow = Slow::new(10_000, Duration::from_secs(1));
        let proxy = proxy(&layer, &slow.service());
        let stopped = ask(&proxy, get(&large(0))).await;
        sleep(3 * HOUR).await;
        within(layer.fills().idle()).await;
        assert!(whole(stopped.into_body()).await.unwrap() == content(&large(0)));
        fetch(&proxy, &large(0)).await.assert_file(&large(0), HIT);
    }

    async fn waiting_for_a_place_takes_no_time_of_the_source(storage: Storage) {
        let layer = one_place(storage).min_rate(0).fill_timeout(HOUR);
        // Each takes a little more than half an hour.
        let slow = Slow::new(50_000, MINUTE * 3 / 2);
        let proxy = proxy(&layer, &slow.service());
        let clients: Vec<_> = (0..3)
            .map(|n| {
                let proxy = proxy.clone();
                tokio::spawn(async move { fetch(&proxy, &large(n)).await })
            })
            .collect();
        for (n, client) in clients.into_iter().enumerate() {
            client.await.unwrap().assert_file(&large(n), STORED);
        }
        within(layer.fills().idle()).await;
    }

    async fn a_check_takes_no_time_of_the_source(storage: Storage) {
        let layer = layer(storage).fill_timeout(HOUR).commit_timeout(9 * HOUR).verify(Lengthy);
        let slow = Slow::new(100_000, MINUTE);
        let proxy = proxy(&layer, &slow.service());
        within(fetch(&proxy, &large(0))).await.assert_status(200);
        within(layer.fills().idle()).await;
        fetch(&proxy, &large(0)).await.assert_file(&large(0), HIT);
    }
}

/// Passes every file after three hours.
struct Lengthy;

impl Verify for Lengthy {
    fn start(&self, _: &tower_goproxy::Target<'_>) -> Box<dyn Verifying> {
        Box::new(Self)
    }
}

impl Verifying for Lengthy {
    fn update(&mut self, _: &Bytes) {}

    fn finish(self: Box<Self>, _: WholeFile) -> VerifyFuture {
        Box::pin(async {
            sleep(3 * HOUR).await;
            Verified::Passed
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_slow_to_take_the_file_takes_no_time_of_the_source() {
    let store = HeldStore::new();
    let layer = layer(Storage::new(store.clone()))
        .fill_timeout(HOUR)
        .commit_timeout(9 * HOUR);
    let source = Slow::new(100_000, MINUTE).service();
    let proxy = proxy(&layer, &source);
    store.take_files(false);
    fetch(&proxy, &large(0))
        .await
        .assert_file(&large(0), STORED);
    sleep(3 * HOUR).await;
    assert_eq!(layer.fills().running(), 1, "it is still being stored");
    store.take_files(true);
    within(layer.fills().idle()).await;
    fetch(&proxy, &large(0)).await.assert_file(&large(0), HIT);
}

/// A `HEAD` has no body whose rate could be looked at.
#[tokio::test(start_paused = true)]
async fn a_silent_source_of_a_head_is_given_up_too() {
    let slow = Slow {
        head_after: 9 * HOUR,
        ..dripping()
    };
    let layer = one_place(Storage::memory()).source_timeout(MINUTE);
    let proxy = proxy(&layer, &slow.service());
    let begun = Instant::now();
    for path in [LIST, &large(0)] {
        let got = send(&proxy, request(Method::HEAD, path, &[])).await;
        got.assert_status(504);
    }
    assert_eq!(begun.elapsed().as_secs(), 120);
}
