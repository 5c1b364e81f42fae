//! What operators learn from the events of the `tracing` feature.

use std::fmt::{Debug, Write as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::ask::{LIST, ZIP, get, read_to_break};
use crate::script::Part::{Break, Data};
use crate::script::{Script, Turn, status, turn};
use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response};
use http_body_util::Empty;
use tower::BoxError;
use tower_goproxy::Upstream;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Metadata, Subscriber};

/// Writes each event as one line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("tower_goproxy")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// What is logged on this thread. There is one for all others too: a thread without, as other tests have, could decide for
/// all that an event is of no interest.
fn listen() -> (Lines, DefaultGuard) {
    let _ = tracing::subscriber::set_global_default(Lines::default());
    let lines = Lines::default();
    let guard = tracing::subscriber::set_default(lines.clone());
    (lines, guard)
}

async fn events(list: &str, path: &str, turns: impl IntoIterator<Item = Turn>) -> Vec<String> {
    let (lines, _guard) = listen();
    let upstream = Upstream::with_client(list, Script::new(turns)).unwrap();
    read_to_break(get(&upstream, path).await).await;
    let lines = lines.0.lock().unwrap();
    assert!(!format!("{lines:?}").contains("secret"), "{lines:?}");
    lines.clone()
}

fn level(level: Level, line: &str, parts: &[&str]) {
    assert!(line.starts_with(level.as_str()), "{line}");
    for part in parts {
        assert!(line.contains(part), "{part}: {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_are_an_error_with_host_and_status() {
    let list = "https://user:secret@a.test";
    let events = events(list, LIST, [status(401, &[], [])]).await;
    level(
        Level::ERROR,
        &events[0],
        &[
            "a.test",
            "refused our credentials with 401",
            "file=\"/example.com/m/@v/list\"",
        ],
    );
    assert_eq!(events.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_registry_refuses_without_credentials_is_no_error() {
    for code in [400, 403, 451] {
        let plain = [("content-type", "text/plain")];
        let turns = [status(code, &plain, [Data("blocked by policy")])];
        let events = events("https://a.test", LIST, turns).await;
        let file = format!("file=\"{LIST}\"");
        level(
            Level::INFO,
            &events[0],
            &["a.test", &file, "blocked by policy"],
        );
        assert_eq!(events.len(), 1);
    }
    let events = events("https://a.test", LIST, [status(401, &[], [])]).await;
    level(Level::WARN, &events[0], &["a.test", "answered 401"]);
}

#[tokio::test(start_paused = true)]
async fn trouble_is_a_warning_with_its_causes_behind_the_attempts() {
    let fail = || Turn::Fail("no route");
    let events = events("https://a.test", LIST, [fail(), fail(), fail()]).await;
    level(Level::DEBUG, &events[0], &["again", "a.test", "no route"]);
    level(
        Level::DEBUG,
        &events[1],
        &["again", "file=\"/example.com/m/@v/list\""],
    );
    level(
        Level::WARN,
        &events[2],
        &["no answer", "a.test", "no route"],
    );
    level(
        Level::DEBUG,
        &events[3],
        &["away", "file=\"/example.com/m/@v/list\""],
    );
    assert_eq!(events.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_is_away_is_one_warning_however_many_ask() {
    let (lines, _guard) = listen();
    let asked = Arc::<AtomicUsize>::default();
    let count = Arc::clone(&asked);
    let client = tower::service_fn(move |_: Request<Empty<Bytes>>| {
        count.fetch_add(1, Ordering::Relaxed);
        async { Err::<Response<Empty<Bytes>>, _>(BoxError::from("no route")) }
    });
    let upstream = Upstream::with_client("https://a.test", client).unwrap();
    for most in [3 * 400, 400] {
        let before = asked.load(Ordering::Relaxed);
        let lists = (0..400).map(|n| format!("/example.com/m{n}/@v/list"));
        let answers = lists.map(|list| {
            let upstream = &upstream;
            async move { get(upstream, &list).await.status() }
        });
        let statuses = join_all(answers).await;
        assert!(statuses.iter().all(|status| *status == 502));
        let asked = asked.load(Ordering::Relaxed) - before;
        assert!(asked <= most, "{asked} requests");
    }
    let lines = lines.0.lock().unwrap();
    let warnings = lines.iter().filter(|line| line.starts_with("WARN"));
    assert_eq!(warnings.count(), 1);
    assert!(!lines.iter().any(|line| line.starts_with("ERROR")));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_exist_is_no_event() {
    assert!(
        events("https://a.test", LIST, [status(404, &[], [])])
            .await
            .is_empty()
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_is_told_with_each_attempt_to_resume_it() {
    let whole = [("content-length", "9"), ("etag", "\"e\"")];
    let turns = [turn(&whole, [Data("abc"), Break]), status(404, &[], [])];
    let events = events("https://a.test", ZIP, turns).await;
    level(
        Level::DEBUG,
        &events[0],
        &[
            "resuming",
            "file=\"/example.com/m/@v/v1.0.0.zip\"",
            "offset=3",
            "reset by script",
        ],
    );
    level(Level::DEBUG, &events[1], &["cannot be requested"]);
    level(
        Level::WARN,
        &events[2],
        &[
            "broke off",
            "a.test",
            "file=\"/example.com/m/@v/v1.0.0.zip\"",
        ],
    );
}
