//! A real nginx with `proxy_cache` in front of a proxy: what it keeps, and whom that reaches.
//!
//! `scripts/test.sh` sets `TOWER_GOPROXY_NGINX=$(scripts/nginx.sh)`; without it `nginx` is taken from the `PATH` or
//! `/usr/sbin`.
#![cfg(feature = "fill")]

#[path = "../support/mod.rs"]
mod support;

mod process;

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request as AxumRequest;
use axum::middleware::{Next, from_fn};
use axum::response::Response as AxumResponse;
use http::{Request, Response, StatusCode, header, request};
use process::Nginx;
use support::Server;
use support::wire::{Answered, Connection, Protocol};
use tower::{Layer as _, Service, service_fn};
use tower_goproxy::fill::FillLayer;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::{Policy, Rule, Rules, policy_fn};
use tower_goproxy::source::Area;
use tower_goproxy::{Access, SharedCaches, Storage, Target};

/// The user and the password that a request has, or nobody.
type User = Option<&'static str>;

const ALICE: User = Some("Basic YWxpY2U6b25l");
const BOB: User = Some("Basic Ym9iOnR3bw==");
const NOBODY: User = None;

const PUBLIC: [&str; 2] = [
    "/example.com/m/@v/v1.0.0.mod",
    "/example.com/m/@v/v1.0.0.info",
];
const DIRECT: &str = "/corp.example/m/@v/v1.0.0.mod";
const LIST: &str = "/example.com/m/@v/list";

/// The auth layer of an app.
async fn auth(mut request: AxumRequest, next: Next) -> AxumResponse {
    let given = request.headers().get(header::AUTHORIZATION);
    let owner = match given.map(|given| given.as_bytes()) {
        Some(given) if Some(given) == ALICE.map(str::as_bytes) => Some("alice"),
        Some(given) if Some(given) == BOB.map(str::as_bytes) => Some("bob"),
        _ => None,
    };
    if let Some(owner) = owner {
        request.extensions_mut().insert(Access::new(owner));
    }
    next.run(request).await
}

/// A registry, or version control, which says who asks.
fn source<R: Send + 'static>(
    area: Area,
) -> impl Service<Request<R>, Response = Response<String>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    service_fn(move |request: Request<R>| async move {
        let access = request.extensions().get::<Access>();
        let owner = access.filter(|_| area == Area::Direct);
        let owner = owner.map_or("everyone", Access::owner).to_owned();
        let (_, file) = request.uri().path().rsplit_once('/').unwrap();
        let mut response = Response::new(match file {
            "list" => "v1.0.0\nv1.1.0\n".to_owned(),
            "v1.0.0.info" => "{\"Version\":\"v1.0.0\"}".to_owned(),
            "v1.0.0.mod" => format!("module example.com/m // {owner}\n"),
            _ => format!("not found for {owner}\n"),
        });
        if response.body().starts_with("not found") {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        Ok(response)
    })
}

/// Stays for as long as a test needs both.
struct Scene {
    _server: Server,
    nginx: Nginx,
}

impl Scene {
    async fn new(policy: impl Policy + 'static, shared_caches: SharedCaches) -> Self {
        let fill = FillLayer::new(Storage::memory()).shared_caches(shared_caches);
        let include = fill.clone().shared().area(Area::Included);
        let direct = fill.area(Area::Direct).layer(source(Area::Direct));
        let layer = FilterLayer::new(policy, include.layer(source(Area::Included)));
        let app: Router = Router::new()
            .fallback_service(direct)
            .layer(layer.shared_caches(shared_caches))
            .layer(from_fn(auth));
        let server = Server::start(app).await;
        let nginx = Nginx::start(server.address());
        Self {
            _server: server,
            nginx,
        }
    }

    async fn get(&self, user: User, path: &str) -> Answered {
        let mut request = Request::get(path);
        if let Some(user) = user {
            request = request.header(header::AUTHORIZATION, user);
        }
        let mut connection = Connection::open(self.nginx.address(), Protocol::Http11).await;
        connection.send(request.body(()).unwrap()).await
    }

    /// Whether the response comes from nginx without a request to the proxy.
    async fn is_kept(&self, user: User, path: &str) -> bool {
        self.get(user, path).await.header("x-nginx") == "HIT"
    }
}

fn rules() -> Rules {
    Rules::parse("D corp.example\n- example.com/evil").unwrap()
}

/// `v1.1.0` is for alice alone.
fn by_user() -> impl Policy + 'static {
    policy_fn(|target: &Target<'_>, parts: &request::Parts| {
        let new = target
            .version()
            .is_some_and(|version| version.unescaped() == "v1.1.0");
        let owner = parts.extensions.get::<Access>().map(Access::owner);
        match new && owner != Some("alice") {
            true => Rule::exclude(),
            false => Rule::include(),
        }
    })
}

#[tokio::test]
async fn a_public_file_is_kept_once_nobody_in_particular_has_requested_it() {
    let scene = Scene::new(rules(), SharedCaches::Auto).await;
    for path in PUBLIC {
        for user in [ALICE, BOB, ALICE, NOBODY] {
            assert!(!scene.is_kept(user, path).await, "{path} for {user:?}");
        }
        let kept = scene.get(NOBODY, path).await.whole();
        assert_eq!(kept.header("x-nginx"), "HIT", "{path}");
        let cache_control = kept.header("cache-control");
        assert_eq!(cache_control, "public, max-age=31536000, immutable");
    }
}

#[tokio::test]
async fn files_of_direct_modules_are_never_kept_and_reach_their_owner_alone() {
    let scene = Scene::new(rules(), SharedCaches::Auto).await;
    let missing = DIRECT.replace("v1.0.0", "v1.9.0");
    // Each is requested from the source, and then from the storage.
    for _ in 0..2 {
        for (user, owner) in [(ALICE, "alice"), (BOB, "bob"), (NOBODY, "everyone")] {
            let found = scene.get(user, DIRECT).await.whole();
            assert_eq!(found.text(), format!("module example.com/m // {owner}\n"));
            assert_ne!(found.header("x-nginx"), "HIT", "{owner}");
            assert!(found.header("cache-control").starts_with("private"));
            let missing = scene.get(user, &missing).await;
            assert_eq!(missing.status, Some(StatusCode::NOT_FOUND));
            assert_eq!(missing.text(), format!("not found for {owner}\n"));
        }
    }
}

#[tokio::test]
async fn a_list_that_is_filtered_by_who_asks_is_not_shared() {
    let scene = Scene::new(by_user(), SharedCaches::Auto).await;
    for _ in 0..2 {
        for (user, versions) in [
            (NOBODY, "v1.0.0\n"),
            (ALICE, "v1.0.0\nv1.1.0\n"),
            (BOB, "v1.0.0\n"),
        ] {
            let list = scene.get(user, LIST).await.whole();
            assert_eq!(list.text(), versions, "{user:?}");
            assert_ne!(list.header("x-nginx"), "HIT", "{user:?}");
        }
    }
}

#[tokio::test]
async fn what_is_refused_is_refused_each_time() {
    let scene = Scene::new(rules(), SharedCaches::Auto).await;
    for user in [NOBODY, ALICE, BOB, NOBODY] {
        let refused = scene.get(user, "/example.com/evil/@v/list").await;
        assert_eq!(refused.status, Some(StatusCode::FORBIDDEN));
        assert_ne!(refused.header("x-nginx"), "HIT", "{user:?}");
    }
}

#[tokio::test]
async fn everything_is_kept_where_shared_caches_are_allowed() {
    let scene = Scene::new(rules(), SharedCaches::Allowed).await;
    for path in PUBLIC.into_iter().chain([LIST, DIRECT]) {
        assert!(!scene.is_kept(ALICE, path).await, "{path}");
        for user in [ALICE, BOB, NOBODY] {
            assert!(scene.is_kept(user, path).await, "{path} for {user:?}");
        }
    }
}

#[tokio::test]
async fn nothing_is_kept_where_shared_caches_are_not_allowed() {
    let scene = Scene::new(rules(), SharedCaches::Not).await;
    for path in PUBLIC.into_iter().chain([LIST, DIRECT]) {
        for user in [NOBODY, ALICE, NOBODY] {
            assert!(!scene.is_kept(user, path).await, "{path} for {user:?}");
        }
    }
}
