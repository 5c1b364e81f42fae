//! Registries that are away: what they cost, and what is answered in their place.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty, Full};
use tokio::time::Instant;
use tower::BoxError;
use tower_goproxy::Upstream;

use crate::ask::{LIST, get, read};

/// What a registry does with each request.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Answers(u16),
    Refuses,
    Silent,
    Late(Duration),
}

use Mood::{Answers, Late, Refuses, Silent};

/// A client service for hosts whose mood the test changes.
#[derive(Clone)]
struct Hosts(Arc<Mutex<Inner>>);

struct Inner {
    moods: HashMap<&'static str, Mood>,
    asked: Vec<String>,
}

impl Hosts {
    fn new(moods: &[(&'static str, Mood)]) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            moods: moods.iter().copied().collect(),
            asked: Vec::new(),
        })))
    }

    fn set(&self, host: &'static str, mood: Mood) {
        self.0.lock().unwrap().moods.insert(host, mood);
    }

    /// The hosts asked since the last call.
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().asked)
    }

    fn mood(&self, host: &str) -> Mood {
        let mut inner = self.0.lock().unwrap();
        inner.asked.push(host.to_owned());
        inner.moods[host]
    }

    fn upstream(
        &self,
        list: &str,
    ) -> Upstream<
        impl tower::Service<
            Request<Empty<Bytes>>,
            Response = Response<BoxBody<Bytes, BoxError>>,
            Error = BoxError,
            Future: Send,
        > + Clone
        + Send
        + Sync
        + 'static,
    > {
        let hosts = self.clone();
        let client = tower::service_fn(move |request: Request<Empty<Bytes>>| {
            let mood = hosts.mood(request.uri().host().unwrap());
            async move {
                match mood {
                    Refuses => return Err(BoxError::from("connection refused")),
                    Silent => std::future::pending().await,
                    Late(time) => tokio::time::sleep(time).await,
                    Answers(_) => {}
                }
                let status = if let Answers(status) = mood {
                    status
                } else {
                    200
                };
                let body = Full::from("v1.0.0\n")
                    .map_err(|never| match never {})
                    .boxed();
                Ok(Response::builder().status(status).body(body).unwrap())
            }
        });
        let upstream = Upstream::with_client(list, client).unwrap();
        upstream.first_byte_timeout(Duration::from_secs(60))
    }
}

/// Status, `Cache-Control`, and the hosts that were asked. A 404 that is no certain one says so.
async fn ask<S>(upstream: &S, hosts: &Hosts) -> (u16, String, Vec<String>)
where
    S: tower::Service<
            Request<Empty<Bytes>>,
            Response = Response<tower_goproxy::upstream::UpstreamBody>,
            Error = std::convert::Infallible,
        > + Clone,
{
    let response = get(upstream, LIST).await;
    let status = response.status().as_u16();
    let caching = response.headers().get(CACHE_CONTROL);
    let caching = caching
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    let text = String::from_utf8(read(response).await.unwrap()).unwrap();
    if matches!(status, 404 | 410) {
        assert_eq!(
            text.contains("another upstream is away"),
            caching == "no-store",
            "{text}"
        );
    }
    (status, caching, hosts.asked())
}

#[tokio::test(start_paused = true)]
async fn one_dead_entry_does_not_hide_what_does_not_exist_elsewhere() {
    for dead in [Refuses, Silent] {
        for (list, no) in [
            ("https://live.test,https://dead.test", 404),
            ("https://live.test,https://dead.test", 410),
            ("https://live.test|https://dead.test", 404),
            ("https://dead.test|https://live.test", 404),
            ("https://live.test,https://dead.test|https://live.test", 404),
        ] {
            let hosts = Hosts::new(&[("live.test", Answers(no)), ("dead.test", dead)]);
            let upstream = hosts.upstream(list);
            for turn in ["found out", "known"] {
                let (status, caching, _) = ask(&upstream, &hosts).await;
                let found = (status, caching.as_str());
                assert_eq!(found, (no, "no-store"), "{list} {dead:?} {turn}");
            }
            hosts.set("live.test", Answers(200));
            assert_eq!(ask(&upstream, &hosts).await.0, 200, "{list}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_entry_before_a_comma_is_never_passed_over() {
    for (dead, status) in [(Refuses, 502), (Silent, 504)] {
        for list in [
            "https://dead.test,https://live.test",
            "https://dead.test",
            "https://dead.test,off",
        ] {
            let hosts = Hosts::new(&[("live.test", Answers(200)), ("dead.test", dead)]);
            let upstream = hosts.upstream(list);
            for turn in ["found out", "known", "known still"] {
                let found = ask(&upstream, &hosts).await;
                assert_eq!(found.0, status, "{list} {turn}");
                assert!(!found.2.contains(&"live.test".to_owned()), "{list} {turn}");
            }
        }
        // Only the first entry has said no.
        let list = "https://no.test,https://dead.test,https://live.test";
        let hosts = Hosts::new(&[
            ("no.test", Answers(404)),
            ("live.test", Answers(200)),
            ("dead.test", dead),
        ]);
        let (found, _, asked) = ask(&hosts.upstream(list), &hosts).await;
        assert_eq!(found, status);
        assert!(!asked.contains(&"live.test".to_owned()));
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_of_another_entry_is_no_absence() {
    for (trouble, want) in [(500, 502), (403, 403), (429, 429)] {
        for list in [
            "https://live.test|https://dead.test",
            "https://dead.test|https://live.test",
        ] {
            let hosts = Hosts::new(&[("live.test", Answers(trouble)), ("dead.test", Refuses)]);
            let upstream = hosts.upstream(list);
            for _ in 0..2 {
                let (status, caching, _) = ask(&upstream, &hosts).await;
                assert_eq!(caching, "no-store");
                assert!(
                    status == want || status == 502,
                    "{list} {trouble}: {status}"
                );
            }
        }
    }
    // Nobody has said that it does not exist.
    for list in [
        "https://dead.test|https://dead.test",
        "https://dead.test|off",
    ] {
        let hosts = Hosts::new(&[("dead.test", Refuses)]);
        let upstream = hosts.upstream(list);
        for _ in 0..2 {
            assert_eq!(ask(&upstream, &hosts).await.0, 502, "{list}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_away_costs_no_time_and_is_asked_once() {
    let hosts = Hosts::new(&[("live.test", Answers(200)), ("dead.test", Refuses)]);
    let upstream = hosts.upstream("https://dead.test");
    assert_eq!(ask(&upstream, &hosts).await.2.len(), 3, "with its retries");
    for _ in 0..3 {
        assert_eq!(ask(&upstream, &hosts).await.2.len(), 1);
    }

    hosts.set("dead.test", Silent);
    let upstream = hosts.upstream("https://dead.test|https://live.test");
    let start = Instant::now();
    ask(&upstream, &hosts).await;
    assert_eq!(start.elapsed().as_secs(), 60);
    let start = Instant::now();
    for _ in 0..10 {
        let (status, _, asked) = ask(&upstream, &hosts).await;
        assert_eq!((status, asked), (200, vec!["live.test".to_owned()]));
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_again_behind_the_answers() {
    let hosts = Hosts::new(&[("live.test", Answers(200)), ("dead.test", Silent)]);
    let upstream = hosts.upstream("https://dead.test|https://live.test");
    ask(&upstream, &hosts).await;
    hosts.set("dead.test", Late(Duration::from_secs(5)));
    tokio::time::advance(Duration::from_secs(2)).await;
    let start = Instant::now();
    let (status, _, _) = ask(&upstream, &hosts).await;
    assert_eq!((status, start.elapsed()), (200, Duration::ZERO));
    // The attempt that nobody waits for goes on.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(hosts.asked().contains(&"dead.test".to_owned()));
    hosts.set("dead.test", Answers(200));
    assert_eq!(ask(&upstream, &hosts).await.2, ["dead.test"]);
}

#[tokio::test(start_paused = true)]
async fn a_silent_registry_alone_has_a_short_grace_when_it_is_asked_again() {
    let hosts = Hosts::new(&[("dead.test", Silent)]);
    let upstream = hosts.upstream("https://dead.test");
    ask(&upstream, &hosts).await;
    // It may be slow for one file only. When that is known, one request waits when the next attempt is due.
    let waits = async || {
        let start = Instant::now();
        assert_eq!(get(&upstream, LIST).await.status(), 504);
        start.elapsed().as_secs()
    };
    assert_eq!(waits().await, 2);
    let mut all = futures_util::future::join_all((0..10).map(|_| waits())).await;
    all.sort_unstable();
    assert_eq!(all, [0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    // Back at last.
    tokio::time::advance(Duration::from_secs(60)).await;
    hosts.set("dead.test", Late(Duration::from_secs(1)));
    assert_eq!(ask(&upstream, &hosts).await.0, 200);
    assert_eq!(ask(&upstream, &hosts).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn one_file_that_took_too_long_fails_none_of_the_next_ones() {
    for list in [
        "https://slow.test",
        "https://no.test,https://slow.test",
        "https://slow.test,off",
    ] {
        let hosts = Hosts::new(&[("no.test", Answers(404)), ("slow.test", Silent)]);
        let upstream = hosts.upstream(list);
        get(&upstream, LIST).await;
        hosts.set("slow.test", Late(Duration::from_secs(1)));
        let files = (0..10).map(|_| async { get(&upstream, LIST).await.status() });
        let statuses = futures_util::future::join_all(files).await;
        assert!(
            statuses.iter().all(|status| *status == 200),
            "{list} {statuses:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn one_slow_file_does_not_make_a_registry_silent() {
    let hosts = Hosts::new(&[("live.test", Silent)]);
    let upstream = hosts.upstream("https://live.test");
    let slow = tokio::spawn({
        let upstream = upstream.clone();
        async move { get(&upstream, "/example.com/slow/@v/list").await.status() }
    });
    tokio::time::sleep(Duration::from_secs(1)).await;
    hosts.set("live.test", Answers(200));
    assert_eq!(ask(&upstream, &hosts).await.0, 200);
    assert_eq!(slow.await.unwrap(), 504);
    hosts.asked();
    assert_eq!(ask(&upstream, &hosts).await.2, ["live.test"]);
}
