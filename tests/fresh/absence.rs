use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{Request, Response, StatusCode};
use http_body_util::{Empty, Full};
use tokio::time::{Instant, advance};
use tower::{ServiceBuilder, ServiceExt as _, service_fn};
use tower_goproxy::fill::FillLayer;
use tower_goproxy::fresh::FreshLayer;
use tower_goproxy::source::Area;
use tower_goproxy::{Access, Storage};

use super::fixtures::{ASKED, HIT, Proxy, STALE, Script, broken, info, not_found};
use super::support::{Answer, Gate, Kept, get, within};

const MINUTE: Duration = Duration::from_secs(60);
const TOOL: &str = "example.com/corp/tools";

/// What go asks for to find the module of `example.com/corp/tools/cmd/hello`, but the module itself.
fn around(file: &str) -> Vec<String> {
    let paths = [
        "example.com",
        "example.com/corp",
        "example.com/corp/tools/cmd",
        "example.com/corp/tools/cmd/hello",
    ];
    paths
        .iter()
        .map(|path| format!("/{path}/@v/{file}"))
        .collect()
}

fn registry() -> Script {
    let script = Script::default();
    script.add(TOOL, "v1.0.0");
    script.set(&format!("/{TOOL}/@v/list"), Answer::new(["v1.0.0\n"]));
    script
}

on_each_storage! {
    async fn what_does_not_exist_is_remembered_and_then_asked_for_again(storage: Storage) {
        let script = registry();
        let source = script.source();
        let proxy = Proxy::new(&storage, &source);
        for path in ["/example.com/x/@v/list", "/example.com/x/@latest", "/example.com/x/@v/v1.0.0.mod"] {
            assert_eq!(proxy.get(path).await.all(), (404, "not found: no such module", ASKED));
            let again = proxy.get(path).await;
            assert_eq!(again.all(), (404, "not found: no such module", HIT));
            assert_eq!(again.headers["content-type"], "text/plain; charset=utf-8");
            assert_eq!(source.requests().count(path), 1);
        }
        advance(MINUTE + MINUTE).await;
        // An outage does not look like a module that does not exist.
        script.down(broken());
        for path in ["/example.com/x/@v/list", "/example.com/x/@latest", "/example.com/x/@v/v1.0.0.mod"] {
            assert_eq!(proxy.get(path).await.status, StatusCode::INTERNAL_SERVER_ERROR);
        }
        script.down(None);
        script.add("example.com/x", "v1.0.0");
        assert_eq!(proxy.get("/example.com/x/@v/v1.0.0.mod").await.status, StatusCode::OK);
        proxy.idle().await;
    }

    async fn a_stored_module_is_found_by_its_prefixes_without_the_source(storage: Storage) {
        let script = registry();
        let source = script.source();
        let files: Vec<_> = ["v1.0.0.info", "list"].iter().flat_map(|file| around(file)).collect();
        let blocked = "/example.com/corp/@v/list";
        script.set(blocked, Answer::text(StatusCode::FORBIDDEN, "blocked").header("cache-control", "no-cache"));
        // As go does: all at once, and then what was found.
        let proxy = Proxy::new(&storage, &source);
        for path in &files {
            proxy.get(path).await;
        }
        for extension in ["info", "mod", "zip"] {
            let file = proxy.get(&format!("/{TOOL}/@v/v1.0.0.{extension}")).await;
            assert_eq!(file.status, StatusCode::OK);
        }
        let strangers = ["/example.com/corp/tool/@v/list", "/example.com/corp/tools2/@v/v1.0.0.info", "/example.org/@v/list"];
        for path in strangers {
            assert_eq!(proxy.get(path).await.status, StatusCode::NOT_FOUND);
        }
        proxy.idle().await;
        advance(10 * 60 * MINUTE).await;
        script.down(broken());
        for proxy in [proxy, Proxy::new(&storage, &source)] {
            for path in &files {
                let got = proxy.get(path).await;
                let expected = if path == blocked { (403, "blocked", STALE) } else { (404, "not found: no such module", STALE) };
                assert_eq!(got.all(), expected, "{path}");
                assert_eq!(got.headers["cache-control"], "no-store");
            }
            for path in strangers {
                assert_eq!(proxy.get(path).await.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
            }
            // Another version of a stored module may exist.
            assert_eq!(proxy.get(&format!("/{TOOL}/@v/v1.1.0.info")).await.status, StatusCode::INTERNAL_SERVER_ERROR);
            proxy.idle().await;
        }
    }

    async fn a_path_with_a_stored_version_is_never_absent(storage: Storage) {
        let script = registry();
        let source = script.source();
        let proxy = Proxy::new(&storage, &source);
        let later = "/example.com/corp/@v/v1.0.0.info";
        proxy.get(later).await;
        proxy.get(&format!("/{TOOL}/@v/v1.0.0.info")).await;
        proxy.idle().await;
        advance(2 * MINUTE).await;
        // Somebody publishes a module there, and another version of it is stored.
        script.add("example.com/corp", "v0.9.0");
        assert_eq!(proxy.get("/example.com/corp/@v/v0.9.0.mod").await.status, StatusCode::OK);
        proxy.idle().await;
        script.down(broken());
        assert_eq!(proxy.get(later).await.status, StatusCode::INTERNAL_SERVER_ERROR);
        proxy.idle().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_absence_is_dropped_with_the_module_that_it_was_kept_for() {
    within(async {
        let (script, kept) = (registry(), Kept::on_disk());
        let source = script.source();
        let proxy = Proxy::new(&kept.storage(), &source);
        let path = "/example.com/@v/v1.0.0.info";
        proxy.get(path).await;
        proxy.get(&format!("/{TOOL}/@v/v1.0.0.info")).await;
        proxy.idle().await;
        script.down(broken());
        advance(2 * MINUTE).await;
        assert_eq!(proxy.get(path).await.status, StatusCode::NOT_FOUND);
        std::fs::remove_dir_all(kept.folder().join(TOOL)).unwrap();
        assert_eq!(
            proxy.get(path).await.status,
            StatusCode::INTERNAL_SERVER_ERROR
        );
    })
    .await;
}

/// `go get -u` asks for each package of a project, long after it has asked for the last file of their module.
#[tokio::test(start_paused = true)]
async fn the_packages_of_a_large_module_are_absent_after_a_restart_too() {
    within(async {
        let (script, kept) = (registry(), Kept::in_memory());
        let source = script.source();
        let proxy = Proxy::new(&kept.storage(), &source);
        proxy.get(&format!("/{TOOL}/@v/v1.0.0.info")).await;
        let package = |n: usize| format!("/{TOOL}/cmd/p{n:04}/@v/list");
        for n in 0..1100 {
            let absent = proxy.get(&package(n)).await;
            assert_eq!(absent.status, StatusCode::NOT_FOUND);
        }
        proxy.idle().await;
        // All of them are one record, so that there are no more than stored modules.
        let names = kept.names().await;
        let records = names
            .iter()
            .filter(|name| name.starts_with("@records/absent/"));
        assert_eq!(records.count(), 1);
        script.down(broken());
        advance(2 * MINUTE).await;
        let later = Proxy::new(&kept.storage(), &source);
        for n in [76, 77, 500, 1099] {
            let absent = later.get(&package(n)).await;
            assert_eq!(
                absent.all(),
                (404, "not found: no such module", STALE),
                "{n}"
            );
        }
        // A record has the last 1024; the process knows the others too.
        let first = later.get(&package(0)).await.status;
        assert_eq!(first, StatusCode::INTERNAL_SERVER_ERROR);
        let first = proxy.get(&package(0)).await.status;
        assert_eq!(first, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_for_once_is_not_remembered() {
    within(async {
        let script = Script::default();
        let source = script.source();
        let path = "/example.com/x/@v/v1.0.0.mod";
        let list = "/example.com/x/@v/list";
        let ignoring = FreshLayer::new(Storage::memory()).ignore_source_cache_control();
        for proxy in [
            Proxy::new(&Storage::memory(), &source),
            Proxy::with(ignoring, &Storage::memory(), &source),
        ] {
            for (answer, status) in [
                // A registry of several has not answered.
                (not_found().header("cache-control", "no-store"), 404),
                (
                    Answer::text(StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS, "no"),
                    451,
                ),
                (Answer::text(StatusCode::BAD_REQUEST, "no"), 400),
                (Answer::text(StatusCode::BAD_GATEWAY, "no"), 502),
            ] {
                source.requests().clear();
                for path in [path, list] {
                    script.set(path, answer.clone());
                    for _ in 0..3 {
                        assert_eq!(proxy.get(path).await.status, status);
                    }
                    assert_eq!(source.requests().count(path), 3);
                }
            }
        }
    })
    .await;
}

/// The registry has refused that user, not the name.
#[tokio::test(start_paused = true)]
async fn a_403_to_somebodys_credentials_is_not_remembered() {
    within(async {
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let count = std::sync::Arc::clone(&asked);
        let source = service_fn(move |_: Request<Empty<Bytes>>| {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let mut response = Response::new(Full::<Bytes>::from("refused"));
            *response.status_mut() = StatusCode::FORBIDDEN;
            response
                .headers_mut()
                .insert("cache-control", "no-cache".parse().unwrap());
            async { Ok::<_, Infallible>(response) }
        });
        let storage = Storage::memory();
        for shared in [false, true] {
            let fresh = FreshLayer::new(storage.clone());
            let fresh = if shared { fresh.shared() } else { fresh };
            let app = ServiceBuilder::new()
                .layer(fresh)
                .layer(FillLayer::new(storage.clone()).area(Area::Included));
            let app = app.service(source.clone());
            for path in ["/example.com/m/@v/list", "/example.com/m/@v/v1.0.0.mod"] {
                asked.store(0, std::sync::atomic::Ordering::SeqCst);
                for _ in 0..3 {
                    let mut request = get(path);
                    request
                        .extensions_mut()
                        .insert(Access::new("alice").token("git.example", "secret").unwrap());
                    let Ok(response) = app.clone().oneshot(request).await;
                    assert_eq!(response.status(), StatusCode::FORBIDDEN);
                }
                assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 3, "{path}");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_absences_of_a_list_and_of_latest_stand_beside_each_other() {
    within(async {
        let source = Script::default().source();
        let proxy = Proxy::new(&Storage::memory(), &source);
        for _ in 0..3 {
            for path in ["/example.com/x/@v/list", "/example.com/x/@latest"] {
                assert_eq!(proxy.get(path).await.status, StatusCode::NOT_FOUND);
                proxy.idle().await;
                assert_eq!(source.requests().count(path), 1);
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_file_that_has_come_behind_another_answer_is_absent_no_more() {
    within(async {
        let (script, file) = (Script::default(), "/example.com/m/@v/v1.0.0.info");
        let source = script.source();
        let proxy = Proxy::new(&Storage::memory(), &source);
        assert_eq!(proxy.get(file).await.status, StatusCode::NOT_FOUND);
        // It is published, and others hear of it by `@latest`.
        script.add("example.com/m", "v1.0.0");
        script.set("/example.com/m/@latest", info("v1.0.0"));
        assert_eq!(
            proxy.get("/example.com/m/@latest").await.status,
            StatusCode::OK
        );
        proxy.idle().await;
        assert_eq!(source.requests().count(file), 2);
        assert_eq!(proxy.get(file).await.status, StatusCode::OK);
    })
    .await;
}

/// `go install` of a stored tool, as go asks for it, of a registry that fails at once and of one that says nothing.
#[tokio::test(start_paused = true)]
async fn a_silent_source_costs_a_command_less_than_a_second() {
    within(async {
        let (script, storage, gate) = (registry(), Storage::memory(), Gate::closed());
        let source = script.source();
        let file = |name: &str| format!("/{TOOL}/@v/{name}");
        let with_own = |name: &str| [around(name), vec![file(name)]].concat();
        let steps = [
            with_own("v1.0.0.info"),
            vec![file("v1.0.0.mod")],
            vec![file("list")],
            vec![file("v1.0.0.zip")],
            with_own("list"),
        ];
        let command = async |proxy: &Proxy| {
            let begun = Instant::now();
            let mut statuses = Vec::new();
            for step in &steps {
                let answers = join_all(step.iter().map(|path| proxy.get(path))).await;
                statuses.extend(answers.into_iter().map(|got| got.status));
            }
            (statuses, begun.elapsed())
        };
        let proxy = Proxy::new(&storage, &source);
        let (there, _) = command(&proxy).await;
        proxy.idle().await;
        advance(10 * MINUTE).await;
        script.down(broken());
        for proxy in [&proxy, &Proxy::new(&storage, &source)] {
            assert_eq!(command(proxy).await, (there.clone(), Duration::ZERO));
        }
        script.down(broken().withheld(&gate));
        // A process that begins knows nothing of it either.
        let later = Proxy::new(&storage, &source);
        advance(10 * MINUTE).await;
        for proxy in [&proxy, &later] {
            for _ in 0..2 {
                let (statuses, took) = command(proxy).await;
                assert_eq!(statuses, there);
                assert!(took < Duration::from_secs(1), "{took:?}");
            }
        }
        gate.open();
        proxy.idle().await;
        later.idle().await;
    })
    .await;
}
