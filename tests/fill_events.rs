//! The events of the `tracing` feature: what logs say of the fills.
//!
//! Only tests with a subscriber stand here: `tracing` may let a thread without one decide for all that an event is of no
//! interest. Threads whose test is over have the global one.
#![cfg(all(feature = "fill", feature = "tracing"))]

#[path = "observed/scene.rs"]
mod scene;
mod support;

use std::fmt::{Debug, Write as _};
use std::future::Future;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Instrument as _, Subscriber, info_span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use scene::{
    KEY, a_client_leaves, a_folder_is_in_the_way, a_source_fails, a_store_fails_at,
    a_store_fails_in_a_hit, an_ordinary_day, zip,
};
use support::faulty_store::Step;

/// Each event of this crate as a line: level, the spans it is in, fields.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        }
        .expect("a string takes any text");
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if !event.metadata().target().starts_with("tower_goproxy") {
            return;
        }
        let mut line = Line(event.metadata().level().to_string());
        for span in context.event_scope(event).into_iter().flatten() {
            write!(line.0, " in {}:", span.name()).expect("a string takes any text");
        }
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }
}

/// What is logged while this happens in a request, all of it.
async fn logged(scene: impl Future<Output = ()>) -> Vec<String> {
    let global = Registry::default().with(Lines::default());
    let _ = tracing::subscriber::set_global_default(global);
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(Registry::default().with(lines.clone()));
    scene.instrument(info_span!("request")).await;
    let lines = lines.0.lock().unwrap();
    lines.clone()
}

fn ended(kept: bool) -> String {
    let bytes = zip().len();
    format!("DEBUG in request: fill ended file={KEY} bytes={bytes} kept={kept}")
}

#[tokio::test(start_paused = true)]
async fn hits_and_attached_clients_are_no_news_and_a_fill_is_for_those_who_look_closely() {
    assert_eq!(logged(an_ordinary_day()).await, [ended(true)]);
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_fails_is_a_warning_that_names_the_file_and_the_cause() {
    let lines = logged(a_store_fails_at(Step::Put)).await;
    assert_is_storage_warning(&lines[0], "broken at Put");
    assert_eq!(lines[1..], [ended(false)]);
    // There is no fill: the client gets the source's own response.
    let lines = logged(a_store_fails_at(Step::Open)).await;
    assert_is_storage_warning(&lines[0], "broken at Open");
    assert_eq!(lines.len(), 1);
    let lines = logged(a_folder_is_in_the_way()).await;
    assert_is_storage_warning(&lines[0], "it is not a regular file");
    assert_eq!(lines[1..], [ended(false)]);
}

fn assert_is_storage_warning(line: &str, cause: &str) {
    let begin = "WARN in request: storage failed error=";
    assert!(line.starts_with(begin), "{line}");
    assert!(line.contains(KEY) && line.contains(cause), "{line}");
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_fails_while_a_hit_is_read_is_a_warning_too() {
    let lines = logged(a_store_fails_in_a_hit()).await;
    assert_eq!(lines[0], ended(true));
    assert!(lines[1].starts_with("WARN in request: "), "{lines:?}");
    assert!(lines[1].contains("broken at Read"), "{lines:?}");
    assert_eq!(lines.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_fill_that_fails_says_why() {
    let failed = format!("WARN in request: fill failed file={KEY} reason=");
    assert_eq!(
        logged(a_source_fails()).await,
        [
            format!(
                "DEBUG in request: fill ended without a file file={KEY} \
                 reason=404 Not Found: not found: no such module"
            ),
            format!("WARN in request: the source broke off file={KEY} error=connection aborted"),
            format!("{failed}502 Bad Gateway: the source broke off"),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_fill_that_nobody_wanted_any_more_is_for_those_who_look_closely() {
    let line = format!(
        "DEBUG in request: fill ended without a file file={KEY} \
         reason=502 Bad Gateway: the fill of this file was given up"
    );
    assert_eq!(logged(a_client_leaves()).await, [line]);
}
