//! Sources that want to be left alone, and those that may be asked one question at a time.

use std::time::Duration;

use http::{Method, StatusCode};
use tokio::time::{advance, sleep};
use tower_goproxy::Storage;
use tower_goproxy::fresh::FreshLayer;

use super::fixtures::{ASKED, HIT, LATEST, LIST, MAIN, Proxy, STALE, Script, info, not_found};
use super::support::{Answer, Gate, quiet, within};

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn registry() -> Script {
    let script = Script::default();
    script.set(LIST, Answer::new(["v1.0.0\n"]));
    script.set(LATEST, info("v1.0.0"));
    script.set(MAIN, info("v0.0.0-20240102030405-abcdef012345"));
    script
}

#[tokio::test(start_paused = true)]
async fn a_source_is_left_alone_for_as_long_as_it_says() {
    within(async {
        let script = registry();
        let source = script.source();
        let proxy = Proxy::new(&Storage::memory(), &source);
        proxy.get(LIST).await;
        proxy.idle().await;
        let busy =
            Answer::text(StatusCode::TOO_MANY_REQUESTS, "slow down").header("retry-after", "100");
        script.down(busy);
        advance(3 * MINUTE).await;
        source.requests().clear();
        for waited in [0, 30, 69] {
            sleep(Duration::from_secs(waited)).await;
            assert_eq!(proxy.get(LIST).await.state(), STALE);
            for path in [LATEST, "/example.com/m/@v/v1.0.0.mod"] {
                let told = proxy.get(path).await;
                assert_eq!(
                    (told.status, &*told.body),
                    (StatusCode::TOO_MANY_REQUESTS, "slow down")
                );
                let left = told.headers["retry-after"]
                    .to_str()
                    .unwrap()
                    .parse::<u64>()
                    .unwrap();
                assert!((1..=100).contains(&left) && left <= 101 - waited, "{left}");
            }
        }
        assert_eq!(source.requests().total(), 3);
        script.down(None);
        advance(2 * SECOND).await;
        assert_eq!(proxy.get(LATEST).await.state(), ASKED);
    })
    .await;
}

/// By another server, or by hand.
#[tokio::test(start_paused = true)]
async fn what_is_stored_while_the_source_wants_to_be_left_alone_is_there() {
    within(async {
        let (script, storage) = (registry(), Storage::memory());
        script.add("example.com/m", "v1.0.0");
        let source = script.source();
        let proxy = Proxy::new(&storage, &source);
        let busy =
            Answer::text(StatusCode::TOO_MANY_REQUESTS, "slow down").header("retry-after", "100");
        let zip = "/example.com/m/@v/v1.0.0.zip";
        script.down(busy);
        for path in [LIST, zip] {
            assert_eq!(proxy.get(path).await.status, StatusCode::TOO_MANY_REQUESTS);
        }
        script.down(None);
        let other = Proxy::new(&storage, &source);
        assert_eq!(other.get(zip).await.status, StatusCode::OK);
        other.idle().await;
        source.requests().clear();
        let ranged = proxy.ask(Method::GET, zip, &[("range", "bytes=0-3")]).await;
        assert_eq!(ranged.status, StatusCode::PARTIAL_CONTENT);
        assert_eq!(proxy.get(zip).await.all().2, HIT);
        assert_eq!(proxy.get(LIST).await.all(), (200, "v1.0.0\n", STALE));
        // What is not there is not asked for either.
        let missing = proxy.get("/example.com/m/@v/v1.0.0.info");
        assert_eq!(missing.await.status, StatusCode::OK);
        assert_eq!(source.requests().total(), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_a_list_is_read_for_takes_the_turn_of_its_question() {
    within(async {
        let (script, gate) = (registry(), Gate::closed());
        let file = "/example.com/m/@v/v1.0.0.info";
        script.add("example.com/m", "v1.0.0");
        script.set(LATEST, not_found());
        script.set(file, info("v1.0.0").withheld(&gate));
        let (source, storage) = (script.source(), Storage::memory());
        let layer = FreshLayer::new(storage.clone()).max_questions(1);
        let proxy = Proxy::with(layer, &storage, &source);
        proxy.get(LIST).await;
        proxy.idle().await;
        let (latest, main, ()) = tokio::join!(proxy.get(LATEST), proxy.get(MAIN), async {
            source.requests().arrived(3).await;
            quiet().await;
            assert_eq!(source.requests().count(file), 1);
            assert_eq!(source.requests().count(MAIN), 0);
            gate.open();
        });
        assert_eq!(
            (latest.status, main.status),
            (StatusCode::OK, StatusCode::OK)
        );
        proxy.idle().await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_time_to_come_back_may_be_a_date_and_is_no_more_than_an_hour() {
    within(async {
        let date = |seconds| {
            let then = std::time::SystemTime::now() + Duration::from_secs(seconds);
            httpdate::fmt_http_date(then)
        };
        for (after, least, most) in [
            ("7".to_owned(), 7, 7),
            ("864000".to_owned(), 3600, 3600),
            (date(1000), 900, 1000),
            (date(864_000), 3600, 3600),
        ] {
            let script = Script::default();
            let busy = Answer::text(StatusCode::SERVICE_UNAVAILABLE, "slow down");
            script.down(busy.header("retry-after", &after));
            let proxy = Proxy::new(&Storage::memory(), &script.source());
            for path in [LIST, "/example.com/m/@v/v1.0.0.mod"] {
                proxy.get(path).await;
                let again = proxy.get(path).await;
                let told: u64 = again.headers["retry-after"]
                    .to_str()
                    .unwrap()
                    .parse()
                    .unwrap();
                assert!((least..=most).contains(&told), "{after} {path}: {told}");
            }
        }
    })
    .await;
}
