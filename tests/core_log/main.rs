//! What logs say of what goes wrong: each line names the file, and what would be said for every file is said once.
//!
//! Only tests with a subscriber stand here: `tracing` may let a thread without one decide for all that an event is of no
//! interest. Threads whose test is over have the global one.
#![cfg(all(feature = "fill", feature = "tracing"))]

#[path = "../core/scene.rs"]
mod scene;
#[path = "../support/mod.rs"]
#[macro_use]
mod support;

use std::error::Error;
use std::fmt::{self, Debug, Write as _};
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{Empty, Full};
use tower::{ServiceExt as _, service_fn};
use tower_goproxy::Storage;
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::source::{Area, Validators};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::Registry;

use scene::{
    always, content, fetch, key, large, layer, mod_file, proxy, registry, small, spawn_get,
    withheld,
};
use support::faulty_store::{Fault, FaultyStore, Step};
use support::{Answer, Framing, quiet, within};

/// Each warning and error of this crate as a line.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a string takes any text");
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (metadata, mut line) = (event.metadata(), Line(String::new()));
        if metadata.target().starts_with("tower_goproxy")
            && *metadata.level() <= tracing::Level::WARN
        {
            event.record(&mut line);
            self.0.lock().unwrap().push(line.0);
        }
    }
}

async fn logged(scene: impl Future<Output = ()>) -> Vec<String> {
    let global = Registry::default().with(Lines::default());
    let _ = tracing::subscriber::set_global_default(global);
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(Registry::default().with(lines.clone()));
    scene.await;
    let lines = lines.0.lock().unwrap();
    lines.clone()
}

/// At least one line, and the file's name in each.
#[track_caller]
fn assert_each_names(lines: &[String], path: &str) {
    assert!(!lines.is_empty(), "{path}: nothing is said");
    for line in lines {
        assert!(line.contains(key(path)), "{path}: {line}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_line_of_a_storage_that_fails_or_panics_names_the_file() {
    for fault in [Fault::Fail, Fault::Panic, Fault::Stall] {
        for step in [Step::Put, Step::Open] {
            for path in [mod_file(0), small(0), large(0)] {
                let lines = logged(async {
                    let store = FaultyStore::new(step, fault);
                    let layer = layer(Storage::new(store));
                    fetch(&proxy(&layer, &registry()), &path)
                        .await
                        .assert_status(200);
                    within(layer.fills().idle()).await;
                });
                assert_each_names(&lines.await, &path);
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_without_room_is_named() {
    let lines = logged(async {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::memory().local_folder(folder.path(), 1).unwrap();
        let layer = layer(storage);
        fetch(&proxy(&layer, &registry()), &large(0))
            .await
            .assert_status(200);
        within(layer.fills().idle()).await;
    });
    assert_each_names(&lines.await, &large(0));
}

#[tokio::test(start_paused = true)]
async fn each_line_of_a_source_that_fails_names_the_file() {
    let part = || Answer::in_parts(content(&large(0)), 100_000);
    for answer in [
        Answer::text(StatusCode::INTERNAL_SERVER_ERROR, "oops"),
        Answer::new([""; 0]).framing(Framing::NoAnswer),
        part().framing(Framing::Cut),
        part().framing(Framing::Short(9)),
        part().status(StatusCode::PARTIAL_CONTENT),
        Answer::new(["<html>"]),
    ] {
        for path in [mod_file(0), large(0)] {
            let lines = logged(async {
                let layer = layer(Storage::memory());
                fetch(&proxy(&layer, &always(answer.clone())), &path).await;
                within(layer.fills().idle()).await;
            });
            assert_each_names(&lines.await, &path);
        }
    }
}

#[derive(Debug)]
struct NoAnswer(io::Error);

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no answer")
    }
}

impl Error for NoAnswer {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_is_logged_with_every_cause() {
    let source = service_fn(|_: Request<Empty<Bytes>>| async {
        let cause = io::Error::other("no such host");
        Err::<Response<Full<Bytes>>, _>(NoAnswer(cause))
    });
    for path in [mod_file(0), large(0)] {
        let lines = logged(async {
            fetch(&proxy(&layer(Storage::memory()), &source), &path).await;
        });
        let lines = lines.await;
        let is_whole = |line: &String| line.contains("no answer: no such host");
        assert!(lines.iter().any(is_whole), "{path}: {lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_refused_is_named() {
    for path in [small(1), mod_file(1)] {
        let lines = logged(async {
            let (source, _gate) = withheld();
            let layer = layer(Storage::memory())
                .max_fills(1)
                .max_small_requests(1)
                .max_wait(Duration::from_secs(5));
            let proxy = proxy(&layer, &source);
            let _running = [small(0), mod_file(0)].map(|path| spawn_get(&proxy, &path));
            quiet().await;
            fetch(&proxy, &path).await.assert_status(503);
        });
        assert_each_names(&lines.await, &path);
    }
}

/// Of a registry that says it always, it would be said for each file.
#[tokio::test(start_paused = true)]
async fn no_store_is_said_once() {
    let lines = logged(async {
        let source = always(Answer::new(["module m\n"]).header("cache-control", "no-store"));
        let layer = layer(Storage::memory());
        for n in 0..5 {
            // Axum asks a layer for one service for each route.
            fetch(&proxy(&layer, &source), &mod_file(n))
                .await
                .assert_status(200);
        }
    });
    let lines = lines.await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("no-store") && lines[0].contains(key(&mod_file(0))));
}

/// Registries that one source has behind it.
#[tokio::test(start_paused = true)]
async fn no_store_is_said_of_each_registry() {
    let lines = logged(async {
        let source = always(Answer::new(["module m\n"]).header("cache-control", "no-store"));
        let layer = layer(Storage::memory());
        for n in 0..6 {
            let registry = Validators {
                origin: format!("https://{}.test", ["one", "two"][n % 2]),
                etag: None,
                last_modified: None,
            };
            let of_registry = (source.clone(), registry);
            let source = service_fn(move |request: Request<Empty<Bytes>>| {
                let (source, registry) = of_registry.clone();
                async move {
                    let mut response = source.oneshot(request).await?;
                    response.extensions_mut().insert(registry);
                    Ok::<_, io::Error>(response)
                }
            });
            fetch(&proxy(&layer, &source), &mod_file(n))
                .await
                .assert_status(200);
        }
    });
    let lines = lines.await;
    assert_eq!(lines.len(), 2, "{lines:?}");
    for (line, host) in lines.iter().zip(["one.test", "two.test"]) {
        assert!(line.contains(host), "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn direct_files_in_the_plain_layout_are_said_once_for_a_layer() {
    for on_miss in [OnMiss::Stream, OnMiss::NotFound] {
        let lines = logged(async {
            let storage = Storage::memory();
            let included = layer(storage.clone());
            for n in 0..3 {
                fetch(&proxy(&included, &registry()), &mod_file(n))
                    .await
                    .assert_status(200);
            }
            within(included.fills().idle()).await;
            let direct = FillLayer::new(storage)
                .area(Area::Direct)
                .on_miss(on_miss.clone());
            for n in 0..6 {
                fetch(&proxy(&direct, &registry()), &mod_file(n))
                    .await
                    .assert_status(200);
            }
            within(direct.fills().idle()).await;
        });
        let lines = lines.await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("plain layout") && lines[0].contains(key(&mod_file(0))));
    }
}
