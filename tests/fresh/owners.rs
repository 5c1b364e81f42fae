use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{Empty, Full};
use tokio::time::advance;
use tower::util::BoxCloneSyncService;
use tower::{Layer as _, ServiceBuilder, ServiceExt as _, service_fn};
use tower_goproxy::LayerBody;
use tower_goproxy::fill::{self, FillLayer};
use tower_goproxy::fresh::FreshLayer;
use tower_goproxy::source::Area;
use tower_goproxy::{Access, Storage};

use super::fixtures::{Script, broken};
use super::support::{get, request, whole, within};

type App = BoxCloneSyncService<Request<()>, Response<LayerBody<fill::ResponseBody>>, Infallible>;

const PATHS: [&str; 4] = [
    "/git.example/secret/@v/list",
    "/git.example/secret/@latest",
    "/git.example/secret/@v/main.info",
    "/git.example/secret/@v/v1.0.0.info",
];

/// One owner may read the module; another one is told so by name.
fn private_module(request: &Request<Empty<Bytes>>, is_down: bool) -> Response<Full<Bytes>> {
    let owner = request
        .extensions()
        .get::<Access>()
        .map_or("nobody", Access::owner);
    let (status, body) = match owner {
        _ if is_down => (StatusCode::BAD_GATEWAY, "down".to_owned()),
        "alice" if request.uri().path().ends_with("list") => {
            (StatusCode::OK, "v1.0.0\n".to_owned())
        }
        "alice" => (StatusCode::OK, "{\"Version\":\"v1.0.0\"}".to_owned()),
        owner => (StatusCode::NOT_FOUND, format!("not found for {owner}")),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("cache-control", "no-cache".parse().unwrap());
    response
}

#[tokio::test(start_paused = true)]
async fn owners_never_see_each_others_answers() {
    within(async {
        for order in [["alice", "bob"], ["bob", "alice"]] {
            let storage = Storage::memory();
            let is_down = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            let make = || {
                let is_down = std::sync::Arc::clone(&is_down);
                let source = service_fn(move |request: Request<Empty<Bytes>>| {
                    let is_down = is_down.load(std::sync::atomic::Ordering::SeqCst);
                    let response = private_module(&request, is_down);
                    async { Ok::<_, Infallible>(response) }
                });
                let fill = FillLayer::new(storage.clone()).area(Area::Direct);
                let fresh = FreshLayer::new(storage.clone());
                let refreshes = fresh.refreshes();
                {
                    let app = ServiceBuilder::new()
                        .layer(fresh)
                        .layer(fill)
                        .service(source);
                    (App::new(app), refreshes)
                }
            };
            let ask =
                async |app: &App, owner: Option<&str>, path: &str, headers: &[(&str, &str)]| {
                    let mut request = request(http::Method::GET, path, headers);
                    if let Some(owner) = owner {
                        request.extensions_mut().insert(Access::new(owner));
                    }
                    let Ok(response) = app.clone().oneshot(request).await;
                    let (head, body) = response.into_parts();
                    let cache = head.headers["cache-control"].to_str().unwrap();
                    assert!(cache.contains("private") || cache == "no-store", "{cache}");
                    let body = whole(body).await.unwrap();
                    (
                        head.status.as_u16(),
                        String::from_utf8(body.to_vec()).unwrap(),
                    )
                };
            let (app, refreshes) = make();
            for _ in 0..2 {
                for path in PATHS {
                    for owner in order {
                        let (status, text) = ask(&app, Some(owner), path, &[]).await;
                        match owner {
                            "alice" => assert_eq!(status, 200, "{path}"),
                            owner => assert_eq!(
                                (status, text),
                                (404, format!("not found for {owner}")),
                                "{path}"
                            ),
                        }
                    }
                    assert_eq!(ask(&app, None, path, &[]).await.0, 404, "{path}");
                }
                refreshes.idle().await;
            }
            // Without the source, fresh or not, here and in another process.
            is_down.store(true, std::sync::atomic::Ordering::SeqCst);
            advance(Duration::from_secs(3600)).await;
            for (app, refreshes) in [(app, refreshes), make()] {
                for path in PATHS {
                    for owner in order {
                        let (status, text) = ask(&app, Some(owner), path, &[]).await;
                        match owner {
                            "alice" => assert_eq!(status, 200, "{path}"),
                            _ => assert_eq!((status, &*text), (502, "down"), "{path}"),
                        }
                        let stored =
                            ask(&app, Some(owner), path, &[("disable-module-fetch", "true")]).await;
                        if owner != "alice" {
                            assert_eq!(stored.0, 404, "{path}");
                        }
                    }
                    assert_eq!(ask(&app, None, path, &[]).await.0, 502, "{path}");
                }
                refreshes.idle().await;
            }
        }
    })
    .await;
}

/// The same owner with another password.
#[tokio::test(start_paused = true)]
async fn an_absence_is_for_the_credentials_that_it_was_told_to() {
    within(async {
        let source = service_fn(|request: Request<Empty<Bytes>>| {
            let access: &Access = request.extensions().get().unwrap();
            let is_right = access
                .credentials_for("git.example")
                .is_some_and(|one| one.password() == "right");
            let mut response = Response::new(Full::<Bytes>::from("v1.0.0\n"));
            if !is_right {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            async { Ok::<_, Infallible>(response) }
        });
        let storage = Storage::memory();
        let fill = FillLayer::new(storage.clone()).area(Area::Direct);
        let app = ServiceBuilder::new()
            .layer(FreshLayer::new(storage))
            .layer(fill)
            .service(source);
        let ask = async |path: &str, password| {
            let mut request = get(path);
            let access = Access::new("alice")
                .credentials("git.example", "alice", password)
                .unwrap();
            request.extensions_mut().insert(access);
            let Ok(response) = app.clone().oneshot(request).await;
            response.status().as_u16()
        };
        // One after the other, and at once.
        let list = "/git.example/m/@v/list";
        assert_eq!(ask(list, "wrong").await, 404);
        assert_eq!(ask(list, "right").await, 200);
        let list = "/git.example/other/@v/list";
        let both = tokio::join!(ask(list, "wrong"), ask(list, "right"));
        assert_eq!(both, (404, 200));
    })
    .await;
}

/// In the storage nothing tells one password from another, so there is no record of what was said to one.
#[tokio::test(start_paused = true)]
async fn what_was_said_to_a_password_is_no_absence_for_another_one_after_a_restart() {
    within(async {
        let is_down = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let storage = Storage::memory();
        let make = || {
            let is_down = std::sync::Arc::clone(&is_down);
            let source = service_fn(move |request: Request<Empty<Bytes>>| {
                let mut response = Response::new(Full::<Bytes>::from("{\"Version\":\"v1.0.0\"}"));
                if is_down.load(std::sync::atomic::Ordering::SeqCst) {
                    *response.status_mut() = StatusCode::BAD_GATEWAY;
                } else if request.uri().path().ends_with("list") {
                    *response.status_mut() = StatusCode::NOT_FOUND;
                }
                async { Ok::<_, Infallible>(response) }
            });
            let fill = FillLayer::new(storage.clone()).area(Area::Direct);
            let fresh = FreshLayer::new(storage.clone());
            let refreshes = fresh.refreshes();
            let app = ServiceBuilder::new()
                .layer(fresh)
                .layer(fill)
                .service(source);
            (App::new(app), refreshes)
        };
        let with = |password: Option<&str>| match password {
            Some(password) => Access::new("alice")
                .credentials("git.example", "alice", password)
                .unwrap(),
            None => Access::new("bob"),
        };
        let ask = async |app: &App, path: &str, access: Access| {
            let mut request = get(path);
            request.extensions_mut().insert(access);
            let Ok(response) = app.clone().oneshot(request).await;
            let status = response.status();
            whole(response.into_body()).await.unwrap();
            status
        };
        let (file, below) = (
            "/git.example/m/@v/v1.0.0.info",
            "/git.example/m/cmd/@v/list",
        );
        let (app, refreshes) = make();
        for password in [Some("wrong"), None] {
            assert_eq!(ask(&app, file, with(password)).await, StatusCode::OK);
            let absent = ask(&app, below, with(password)).await;
            assert_eq!(absent, StatusCode::NOT_FOUND);
        }
        refreshes.idle().await;
        is_down.store(true, std::sync::atomic::Ordering::SeqCst);
        let (later, _) = make();
        let other = ask(&later, below, with(Some("right"))).await;
        assert_eq!(other, StatusCode::BAD_GATEWAY);
        // An owner without credentials is always the same one.
        let same = ask(&later, below, with(None)).await;
        assert_eq!(same, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_for_others_is_in_no_answer() {
    within(async {
        let owners = |area| [None, Some("alice"), Some("bob")].map(|owner| (area, owner));
        let all = [Area::Included, Area::Direct].map(owners).concat();
        for stored in &all {
            let (script, storage) = (Script::default(), Storage::memory());
            script.add("git.example/secret", "v1.0.0");
            let source = script.source();
            let ask = async |(area, owner): (Area, Option<&str>), path: &str, headers| {
                let fresh = FreshLayer::new(storage.clone());
                let fill = FillLayer::new(storage.clone()).area(area);
                let (refreshes, fills) = (fresh.refreshes(), fill.fills());
                let app = fresh.layer(fill.layer(source.clone()));
                let mut request = request(http::Method::GET, path, headers);
                if let Some(owner) = owner {
                    request.extensions_mut().insert(Access::new(owner));
                }
                let Ok(response) = app.oneshot(request).await;
                let status = response.status().as_u16();
                let body = whole(response.into_body()).await.unwrap();
                refreshes.idle().await;
                fills.idle().await;
                (status, body.windows(6).any(|part| part == b"v1.0.0"))
            };
            for file in ["info", "mod", "zip"] {
                let path = format!("/git.example/secret/@v/v1.0.0.{file}");
                assert_eq!(ask(*stored, &path, &[][..]).await.0, 200);
            }
            for (is_down, without) in [(false, 404), (true, 500)] {
                script.down(is_down.then(broken));
                for asks in &all {
                    for path in [PATHS[0], PATHS[1]] {
                        let expected = |without| match asks == stored {
                            true => (200, true),
                            false => (without, false),
                        };
                        let what = format!("{stored:?} {asks:?} {path}");
                        assert_eq!(ask(*asks, path, &[]).await, expected(without), "{what}");
                        let only = ask(*asks, path, &[("disable-module-fetch", "true")]).await;
                        assert_eq!(only, expected(404), "{what}");
                    }
                }
            }
        }
    })
    .await;
}
