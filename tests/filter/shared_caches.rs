//! Which responses shared caches may keep.

use axum::body::Body;
use http::{HeaderValue, Request, Response, StatusCode};
use tower::{Layer as _, ServiceBuilder};
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::{Policy as _, Rule, policy_fn};
use tower_goproxy::{Access, NotFound, SharedCaches};

use crate::ask::{Answer, get, rules, send};
use crate::recorder::Recorder;

const RULES: &str = "
    D corp.example
    - example.com/evil
    - example.com/old v1.1.0
";

const FILE: &str = "public, max-age=31536000, immutable";
const PRIVATE_FILE: &str = "private, immutable, max-age=31536000";

/// Answers as a source that lets everyone keep what it sends.
fn source() -> Recorder {
    Recorder::new(|request| {
        let missing = request.uri.path().contains("missing");
        let status = match missing {
            true => StatusCode::NOT_FOUND,
            false => StatusCode::OK,
        };
        Response::builder()
            .status(status)
            .header("cache-control", FILE)
            .body(Body::from("v1.0.0\n"))
            .unwrap()
    })
}

fn layer(shared_caches: SharedCaches) -> FilterLayer<Recorder> {
    FilterLayer::new(rules(RULES), source()).shared_caches(shared_caches)
}

async fn cache_control(layer: &FilterLayer<Recorder>, path: &str) -> String {
    let app = layer.layer(source());
    get(&app, path).await.header("cache-control").to_owned()
}

/// A request for an included file that was changed like this.
async fn included(shared_caches: SharedCaches, change: impl FnOnce(&mut Request<Body>)) -> Answer {
    let request = Request::get("/example.com/m/@v/v1.0.0.mod");
    let mut request = request.body(Body::empty()).unwrap();
    change(&mut request);
    send(&layer(shared_caches).layer(NotFound), request).await
}

#[tokio::test]
async fn a_public_module_that_nobody_in_particular_requests_stays_public() {
    let auto = FilterLayer::new(rules(RULES), source());
    for path in [
        "/example.com/m/@v/v1.0.0.mod",
        "/example.com/m/@v/list",
        "/example.com/missing/@v/v1.0.0.mod",
    ] {
        assert_eq!(cache_control(&auto, path).await, FILE, "{path}");
    }
}

#[tokio::test]
async fn everything_of_a_direct_module_is_private() {
    let auto = layer(SharedCaches::Auto);
    for path in [
        "/corp.example/m/@v/v1.0.0.mod",
        "/corp.example/m/@v/list",
        "/corp.example/missing/@v/v1.0.0.mod",
    ] {
        assert_eq!(cache_control(&auto, path).await, PRIVATE_FILE, "{path}");
    }
}

#[tokio::test]
async fn a_request_that_tells_who_asks_has_a_private_response() {
    for name in ["authorization", "cookie"] {
        let answer = included(SharedCaches::Auto, |request| {
            let value = HeaderValue::from_static("secret");
            request.headers_mut().insert(name, value);
        });
        let answer = answer.await;
        assert_eq!(answer.header("cache-control"), PRIVATE_FILE, "{name}");
    }
    let access = included(SharedCaches::Auto, |request| {
        request.extensions_mut().insert(Access::new("alice"));
    });
    assert_eq!(access.await.header("cache-control"), PRIVATE_FILE);
    let identity = included(SharedCaches::Auto, |request| {
        let identity = tower_goproxy::access::Identity::new("alice");
        assert_eq!(identity.name(), "alice");
        request.extensions_mut().insert(identity);
    });
    assert_eq!(identity.await.header("cache-control"), PRIVATE_FILE);
}

#[tokio::test]
async fn a_list_is_private_if_it_was_filtered_by_who_asks() {
    let list = "/example.com/old/@v/list";
    let by_rules = layer(SharedCaches::Auto);
    assert_eq!(cache_control(&by_rules, list).await, FILE);
    let by_user = policy_fn(|_, parts| match parts.headers.contains_key("x-user") {
        true => Rule::include(),
        false => Rule::exclude(),
    });
    let either = policy_fn(move |target, parts| match target.version() {
        Some(_) => by_user.rule(target, parts),
        None => Rule::include(),
    });
    let by_user = FilterLayer::new(either, source());
    assert_eq!(cache_control(&by_user, list).await, PRIVATE_FILE);
}

/// A cache in front would give it to those whom the policy refuses.
#[tokio::test]
async fn so_is_each_file_under_a_policy_that_looks_at_who_asks() {
    let by_user = policy_fn(|_, parts| match parts.headers.contains_key("x-banned") {
        true => Rule::exclude(),
        false => Rule::include(),
    });
    let by_user = FilterLayer::new(by_user, source());
    for path in ["/example.com/m/@v/v1.0.0.zip", "/example.com/m/@v/list"] {
        assert_eq!(cache_control(&by_user, path).await, PRIVATE_FILE, "{path}");
    }
}

#[tokio::test]
async fn allowed_makes_nothing_private() {
    let allowed = layer(SharedCaches::Allowed);
    assert_eq!(
        cache_control(&allowed, "/corp.example/m/@v/list").await,
        FILE
    );
    let answer = included(SharedCaches::Allowed, |request| {
        let value = HeaderValue::from_static("Basic eDp5");
        request.headers_mut().insert("authorization", value);
    });
    assert_eq!(answer.await.header("cache-control"), FILE);
}

#[tokio::test]
async fn not_makes_all_responses_for_modules_private_and_no_others() {
    let not = layer(SharedCaches::Not);
    for path in [
        "/example.com/m/@v/v1.0.0.mod",
        "/example.com/missing/@v/v1.0.0.mod",
        "/example.com/old/@v/list",
        "/corp.example/m/@v/list",
    ] {
        assert_eq!(cache_control(&not, path).await, PRIVATE_FILE, "{path}");
    }
    assert_eq!(cache_control(&not, "/healthz").await, FILE);
}

#[tokio::test]
async fn no_store_stays() {
    for shared_caches in [SharedCaches::Auto, SharedCaches::Allowed, SharedCaches::Not] {
        let app = ServiceBuilder::new()
            .layer(layer(shared_caches))
            .service(NotFound);
        for path in [
            "/example.com/evil/@v/list",
            "/example.com/../m/@v/list",
            "/corp.example/m/@v/list",
        ] {
            let answer = get(&app, path).await;
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
    }
}
