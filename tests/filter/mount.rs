//! Where the filter can be put, and that a redirect is exact from each of those places.

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tower::{Layer as _, ServiceBuilder};
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::redirect::InvalidBase;
use tower_goproxy::{NotFound, Redirect};

use crate::ask::{self, Answer, rules};
use crate::recorder::Recorder;
use crate::support::Server;

/// Paths as clients send them, each to come out as it is.
const PATHS: [&str; 7] = [
    "/example.com/m/@v/v1.0.0.zip",
    "/github.com/%21burnt%21sushi/toml/@v/v1.4.0.zip",
    "/github.com/!burnt!sushi/toml/@v/v1.4.0.zip",
    "/example.com/m/@v/list?go-get=1&x=%2F%20",
    "/example.com/m/@v/v2.0.0+incompatible.info",
    "/example.com/m/@v/v2.0.0%2Bincompatible.info?",
    "/git.example.com/~user/mod/@latest",
];

/// With a path of its own, which comes first.
const REGISTRY: &str = "http://registry.example:8080/base/path/";

fn layer() -> FilterLayer<Redirect> {
    FilterLayer::new(
        rules("D corp.example\n- example.com/evil"),
        Redirect::to(REGISTRY).unwrap(),
    )
}

fn is_exact(answer: &Answer, path: &str) {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
    assert_eq!(
        answer.header("location"),
        format!("http://registry.example:8080/base/path{path}")
    );
}

/// An axum app whose proxy is at `prefix`: redirects are exact, and its routes are there.
async fn works(app: Router, prefix: &str) {
    for path in PATHS {
        is_exact(&ask::get(&app, &format!("{prefix}{path}")).await, path);
        // As HTTP/2 and proxies send it.
        let absolute = format!("http://proxy.example{prefix}{path}");
        is_exact(&ask::get(&app, &absolute).await, path);
    }
    let list = |module: &str| format!("{prefix}/{module}/@v/list");
    let answer = ask::get(&app, &list("corp.example/m")).await;
    assert_eq!(answer.text, "from the inner service");
    let answer = ask::get(&app, &list("example.com/evil")).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(ask::get(&app, "/healthz").await.text, "ok");
    assert_eq!(ask::get(&app, "/users/@me").await.text, "me");
}

fn routes() -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/users/@me", get(|| async { "me" }))
}

fn inner() -> Recorder {
    Recorder::saying("from the inner service")
}

#[tokio::test]
async fn router_layer() {
    // Called for each route and for the fallback.
    works(routes().fallback_service(inner()).layer(layer()), "").await;
}

#[tokio::test]
async fn router_layer_over_a_route_that_takes_every_path() {
    let app = routes().route_service("/{*path}", inner());
    works(app.layer(layer()), "").await;
}

#[tokio::test]
async fn a_fallback() {
    works(routes().fallback_service(layer().layer(inner())), "").await;
}

#[tokio::test]
async fn nest() {
    let proxy = Router::new().fallback_service(inner()).layer(layer());
    works(routes().nest("/goproxy", proxy), "/goproxy").await;
}

#[tokio::test]
async fn nest_in_a_nest() {
    let proxy = Router::new().fallback_service(inner()).layer(layer());
    let tools = Router::new().nest("/goproxy", proxy);
    works(routes().nest_service("/tools", tools), "/tools/goproxy").await;
}

#[tokio::test]
async fn nest_service() {
    let proxy = layer().layer(inner());
    works(routes().nest_service("/goproxy", proxy), "/goproxy").await;
}

#[tokio::test]
async fn around_a_whole_router_with_a_prefix() {
    for prefix in ["/goproxy", "goproxy", "/goproxy/"] {
        let app = routes()
            .fallback_service(inner())
            .layer(layer().prefix(prefix));
        works(app, "/goproxy").await;
    }
}

#[tokio::test]
async fn a_bare_service_builder_with_a_prefix_of_two_elements() {
    let app = ServiceBuilder::new()
        .layer(layer().prefix("/tools/goproxy"))
        .service(inner());
    for path in PATHS {
        is_exact(
            &ask::get(&app, &format!("/tools/goproxy{path}")).await,
            path,
        );
    }
}

#[tokio::test]
async fn a_real_hyper_server() {
    let app = ServiceBuilder::new()
        .layer(layer().prefix("/goproxy"))
        .service(inner());
    let server = Server::start(app).await;
    for http2 in [false, true] {
        let client = Client::builder(TokioExecutor::new())
            .http2_only(http2)
            .build_http::<Empty<Bytes>>();
        for path in PATHS {
            let uri = format!("{}/goproxy{path}", server.url()).parse().unwrap();
            let response = client.get(uri).await.unwrap();
            assert_eq!(response.status(), StatusCode::SEE_OTHER);
            assert_eq!(
                response.headers()["location"].to_str().unwrap(),
                format!("http://registry.example:8080/base/path{path}")
            );
        }
        let uri = format!("{}/goproxy/corp.example/m/@v/v1.0.0.zip", server.url());
        let response = client.get(uri.parse().unwrap()).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "from the inner service");
    }
}

#[tokio::test]
async fn both_services_see_modules_without_the_prefix_and_the_rest_as_it_came() {
    let (include, inner) = (Recorder::saying(""), Recorder::saying(""));
    let app = ServiceBuilder::new()
        .layer(FilterLayer::new(rules("D corp.example"), include.clone()).prefix("/goproxy"))
        .service(inner.clone());
    for uri in [
        "/goproxy/example.com/%21m/@v/v1.0.0.mod?x=%21",
        "http://proxy.example:81/goproxy/example.com/m/@latest",
        "/goproxy/corp.example/%21m/@v/v1.0.0.mod?x=%21",
        "http://proxy.example:81/goproxy/corp.example/m/@latest",
        "/goproxy/healthz",
        "/corp.example/m/@latest",
    ] {
        ask::get(&app, uri).await;
    }
    assert_eq!(
        include.uris(),
        [
            "/example.com/%21m/@v/v1.0.0.mod?x=%21",
            "http://proxy.example:81/example.com/m/@latest",
        ]
    );
    assert_eq!(
        inner.uris(),
        [
            "/corp.example/%21m/@v/v1.0.0.mod?x=%21",
            "http://proxy.example:81/corp.example/m/@latest",
            "/goproxy/healthz",
            "/corp.example/m/@latest",
        ]
    );
}

#[tokio::test]
async fn a_nested_proxy_without_direct_modules() {
    let proxy = layer().layer(NotFound);
    let app = routes().nest_service("/goproxy", proxy);
    is_exact(
        &ask::get(&app, &format!("/goproxy{}", PATHS[0])).await,
        PATHS[0],
    );
    for uri in ["/goproxy/corp.example/m/@v/list", "/goproxy/", "/goproxy/x"] {
        let answer = ask::get(&app, uri).await;
        answer.is_a_line(StatusCode::NOT_FOUND, "not found");
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    assert_eq!(ask::get(&app, "/healthz").await.text, "ok");
}

#[tokio::test]
async fn a_redirect_is_never_permanent_and_has_a_text() {
    let redirect = Redirect::to("https://proxy.example").unwrap();
    let answer = ask::get(&redirect, "/example.com/m/@v/list").await;
    answer.is_a_line(StatusCode::SEE_OTHER, "the file is at the upstream");
    assert_eq!(answer.header("cache-control"), "no-store");
    let request = Request::get("/example.com/m/@latest")
        .body(Body::empty())
        .unwrap();
    let answer = ask::send(&redirect, request).await;
    assert_eq!(
        answer.header("location"),
        "https://proxy.example/example.com/m/@latest"
    );
}

#[tokio::test]
async fn a_request_that_cannot_be_redirected_is_an_error_without_a_location() {
    let redirect = Redirect::to(REGISTRY).unwrap();
    for method in [Method::OPTIONS, Method::POST, Method::CONNECT] {
        for uri in ["*", "/example.com/m/@v/list", "proxy.example:443"] {
            let answer = ask::ask(&redirect, method.clone(), uri).await;
            answer.is_a_line(
                StatusCode::METHOD_NOT_ALLOWED,
                "a module proxy answers GET and HEAD",
            );
            assert_eq!(answer.header("allow"), "GET, HEAD");
            assert_eq!(answer.header("location"), "");
        }
    }
    for method in [Method::GET, Method::HEAD] {
        for uri in ["*", "proxy.example:443"] {
            let answer = ask::ask(&redirect, method.clone(), uri).await;
            answer.is_a_line(StatusCode::BAD_REQUEST, "the request has no path");
            assert_eq!(answer.header("location"), "");
        }
    }
}

#[test]
fn an_address_that_cannot_be_redirected_to_is_an_error_that_says_why() {
    let error = |address: &str| -> InvalidBase { Redirect::to(address).unwrap_err() };
    for (address, reason) in [
        ("", "not a URL"),
        ("https://", "not a URL"),
        ("proxy.example", "must begin with http:// or https://"),
        ("/base", "must begin with http:// or https://"),
        ("ftp://proxy.example", "must begin with http:// or https://"),
        (
            "https://proxy.example/?x=1",
            "must not have a query or a fragment",
        ),
        (
            "https://proxy.example/#x",
            "must not have a query or a fragment",
        ),
        (
            "https://user:secret@proxy.example",
            "must not have credentials, which every client would see",
        ),
        (
            "https://user:secret@a.example,https://b.example",
            "a list, but a redirect leads to one registry",
        ),
        (
            "https://a.example|off",
            "a list, but a redirect leads to one registry",
        ),
    ] {
        let shown = format!("{} {:?}", error(address), error(address));
        assert!(!shown.contains("secret"), "{shown}");
        assert!(
            error(address).to_string().ends_with(reason),
            "{}",
            error(address)
        );
    }
}
