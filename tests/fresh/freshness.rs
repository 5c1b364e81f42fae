use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::{Instant, advance, sleep};
use tower::Layer as _;
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::fresh::FreshLayer;
use tower_goproxy::source::Area;

use super::fixtures::{ASKED, HIT, LATEST, LIST, MAIN, Proxy, STALE, Script, broken, info};
use super::support::{Answer, Gate, quiet, within};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

const COMMIT: &str = "/example.com/m/@v/abcdef012345.info";
const PREFIX: &str = "/example.com/m/@v/v1.info";

fn registry() -> Script {
    let script = Script::default();
    script.set(LIST, Answer::new(["v1.0.0\n"]));
    script.set(LATEST, info("v1.0.0"));
    script.set(MAIN, info("v0.0.0-20240102030405-abcdef012345"));
    script.set(COMMIT, info("v0.0.0-20240102030405-abcdef012345"));
    script.set(PREFIX, info("v1.0.0"));
    script
}

on_each_storage! {
    async fn what_changes_is_asked_for_once_while_it_is_fresh(storage: Storage) {
        let (script, storage) = (registry(), storage);
        let source = script.source();
        let proxy = Proxy::new(&storage, &source);
        for path in [LIST, LATEST, MAIN, COMMIT, PREFIX] {
            let first = proxy.get(path).await;
            assert_eq!((first.status, first.state()), (StatusCode::OK, ASKED));
            assert_eq!(first.headers["cache-control"], "public, max-age=60");
            let again = proxy.get(path).await;
            assert_eq!((&again.body, again.state()), (&first.body, HIT));
            let head = proxy.ask(Method::HEAD, path, &[]).await;
            for name in ["content-type", "content-length", "cache-control"] {
                assert_eq!(head.headers[name], again.headers[name]);
            }
            assert_eq!((head.status, &*head.body), (StatusCode::OK, ""));
            assert_eq!(source.requests().count(path), 1);
        }
        proxy.idle().await;
    }

    async fn for_a_while_the_next_one_is_fetched_behind_the_last_one(storage: Storage) {
        let (script, storage) = (registry(), storage);
        let source = script.source();
        let proxy = Proxy::new(&storage, &source);
        proxy.get(LIST).await;
        proxy.idle().await;
        let gate = Gate::closed();
        script.set(LIST, Answer::new(["v1.1.0\nv1.0.0\n"]).withheld(&gate));
        advance(MINUTE + SECOND).await;
        let begun = Instant::now();
        let stale = proxy.get(LIST).await;
        assert_eq!(stale.all(), (200, "v1.0.0\n", STALE));
        // Without its patience.
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(stale.headers["cache-control"], "no-cache");
        gate.open();
        proxy.idle().await;
        assert_eq!(proxy.get(LIST).await.all(), (200, "v1.0.0\nv1.1.0\n", HIT));
        script.set(LIST, Answer::new(["v1.2.0\n"]));
        advance(MINUTE + MINUTE + SECOND).await;
        assert_eq!(proxy.get(LIST).await.all(), (200, "v1.2.0\n", ASKED));
        proxy.idle().await;
        assert_eq!(source.requests().count(LIST), 3);
    }

    async fn when_the_source_fails_the_last_answer_stands_as_long_as_it_exists(storage: Storage) {
        let (script, storage) = (registry(), storage);
        let source = script.source();
        let proxy = Proxy::new(&storage, &source);
        for path in [LIST, LATEST, MAIN] {
            proxy.get(path).await;
        }
        proxy.idle().await;
        script.down(broken());
        advance(10 * 60 * MINUTE).await;
        source.requests().clear();
        for path in [LIST, LATEST, MAIN] {
            for _ in 0..100 {
                let got = proxy.get(path).await;
                assert_eq!((got.status, got.state()), (StatusCode::OK, STALE));
            }
            // A source that has failed is left alone for a moment.
            assert_eq!(source.requests().count(path), 1);
        }
        script.down(None);
        advance(6 * SECOND).await;
        assert_eq!(proxy.get(LIST).await.state(), ASKED);
        assert_eq!(proxy.get("/example.com/other/@v/list").await.status, StatusCode::NOT_FOUND);
        script.down(broken());
        let unknown = proxy.get("/example.com/third/@v/list").await;
        assert_eq!(unknown.all(), (500, "boom", ASKED));
        assert_eq!(unknown.headers["cache-control"], "no-store");
        proxy.idle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_clients_of_one_answer_are_one_request() {
    within(async {
        let (script, gate) = (registry(), Gate::closed());
        let source = script.source();
        let proxy = Proxy::new(&Storage::memory(), &source);
        let ask_all = async |expected: usize| {
            let clients: Vec<_> = (0..1000).map(|_| proxy.get(LATEST)).collect();
            let all = futures_util::future::join_all(clients);
            let open = async {
                source.requests().arrived(expected).await;
                quiet().await;
                gate.open();
            };
            let (all, ()) = tokio::join!(all, open);
            assert!(all.iter().all(|got| got.status == StatusCode::OK));
        };
        script.set(LATEST, info("v1.0.0").withheld(&gate));
        ask_all(1).await;
        proxy.idle().await;
        assert_eq!(source.requests().count(LATEST), 1);
        advance(10 * MINUTE).await;
        let before = source.requests().total();
        ask_all(before + 1).await;
        assert_eq!(source.requests().count(LATEST), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_does_not_end_the_question() {
    within(async {
        let (script, gate) = (registry(), Gate::closed());
        script.set(LIST, Answer::new(["v1.0.0\n"]).withheld(&gate));
        let source = script.source();
        let storage = Storage::memory();
        let layer = FreshLayer::new(storage.clone()).max_questions(1);
        let proxy = Proxy::with(layer, &storage, &source);
        let gone = tokio::time::timeout(SECOND, proxy.get(LIST)).await;
        assert!(gone.is_err());
        // Its turn never comes, and nobody waits for it any more.
        let waiting = tokio::time::timeout(SECOND, proxy.get(LATEST)).await;
        assert!(waiting.is_err());
        gate.open();
        proxy.idle().await;
        assert_eq!(source.requests().count(LATEST), 0);
        assert_eq!(proxy.get(LIST).await.all(), (200, "v1.0.0\n", HIT));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_silent_source_where_there_is_an_earlier_answer() {
    within(async {
        let (script, gate) = (registry(), Gate::closed());
        let source = script.source();
        let storage = Storage::memory();
        let first = Proxy::new(&storage, &source);
        for path in [LIST, LATEST] {
            first.get(path).await;
        }
        first.idle().await;
        // Another process, which knows nothing but the records.
        let proxy = Proxy::new(&storage, &source);
        script.down(Answer::new(["v1.0.0\nv1.1.0\n"]).withheld(&gate));
        let begun = Instant::now();
        assert_eq!(proxy.get(LIST).await.all(), (200, "v1.0.0\n", STALE));
        assert_eq!(begun.elapsed().as_millis() / 10, 75);
        // Now it is known.
        let begun = Instant::now();
        assert_eq!(proxy.get(LATEST).await.state(), STALE);
        assert!(begun.elapsed() < Duration::from_millis(10));
        gate.open();
        proxy.idle().await;
        assert_eq!(proxy.get(LIST).await.all(), (200, "v1.0.0\nv1.1.0\n", HIT));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_source_forbids_to_keep_is_shared_by_those_who_wait_and_forgotten() {
    within(async {
        let script = registry();
        script.set(
            LIST,
            Answer::new(["v1.0.0\n"]).header("cache-control", "no-cache, no-store"),
        );
        let source = script.source();
        let storage = Storage::memory();
        let proxy = Proxy::new(&storage, &source);
        for _ in 0..3 {
            let got = proxy.get(LIST).await;
            assert_eq!(got.all(), (200, "v1.0.0\n", ASKED));
            assert_eq!(got.headers["cache-control"], "no-store");
        }
        assert_eq!(source.requests().total(), 3);
        let layer = FreshLayer::new(storage.clone()).ignore_source_cache_control();
        let proxy = Proxy::with(layer, &storage, &source);
        proxy.get(LIST).await;
        assert_eq!(proxy.get(LIST).await.state(), HIT);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_found_no_slot_has_not_heard_of_the_source() {
    within(async {
        let (hour, module) = (60 * MINUTE, "/example.com/m/@v/v1.0.0.mod");
        for (questions, requests) in [(1, 16), (32, 1)] {
            let (script, storage, gate) = (registry(), Storage::memory(), Gate::closed());
            script.add("example.com/m", "v1.0.0");
            script.set(LATEST, info("v1.0.0").withheld(&gate));
            let fresh = FreshLayer::new(storage.clone()).max_questions(questions);
            let fill = FillLayer::new(storage)
                .area(Area::Included)
                .max_small_requests(requests)
                .source_timeout(hour)
                .fill_timeout(hour);
            let app = fresh.layer(fill.layer(script.source()));
            let proxy = Proxy { app, fresh, fill };
            tokio::join!(proxy.get(LATEST), async {
                for path in [LIST, module] {
                    let got = proxy.get(path).await;
                    if path == module && requests > 1 {
                        assert_eq!(got.status, StatusCode::OK);
                        continue;
                    }
                    assert_eq!(got.status, StatusCode::SERVICE_UNAVAILABLE);
                    assert!(got.headers.contains_key("retry-after"));
                }
                gate.open();
            });
            sleep(2 * SECOND).await;
            for path in [LIST, module] {
                assert_eq!(proxy.get(path).await.status, StatusCode::OK, "{path}");
            }
            proxy.idle().await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_can_be_fresh_for_ever() {
    within(async {
        let storage = Storage::memory();
        let layer = FreshLayer::new(storage.clone())
            .fresh_for(Duration::MAX)
            .stale_for(Duration::MAX)
            .not_found_for(Duration::MAX)
            .refused_for(Duration::MAX)
            .patience(Duration::MAX);
        let proxy = Proxy::with(layer, &storage, &registry().source());
        for (path, status) in [
            (LIST, 200),
            ("/example.com/x/@v/list", 404),
            ("/example.com/x/@v/v1.0.0.mod", 404),
        ] {
            for state in [ASKED, HIT] {
                let got = proxy.get(path).await;
                assert_eq!((got.status.as_u16(), got.state()), (status, state));
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_aborted_leaves_nobody_waiting() {
    within(async {
        let (script, gate) = (registry(), Gate::closed());
        script.set(LIST, Answer::new(["v1.0.0\n"]).withheld(&gate));
        let source = script.source();
        let proxy = Proxy::new(&Storage::memory(), &source);
        let (got, ()) = tokio::join!(proxy.get(LIST), async {
            source.requests().arrived(1).await;
            let refreshes = proxy.fresh.refreshes();
            assert_eq!(refreshes.running(), 1);
            refreshes.abort();
            refreshes.idle().await;
        });
        assert_eq!(got.status, StatusCode::BAD_GATEWAY);
        assert_eq!(got.body, "the request to the source was given up\n");
    })
    .await;
}
