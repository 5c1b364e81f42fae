//! The program of thirty modules, twice: the second time the registry is switched off.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{StatusCode, Version};
use tower_goproxy::fill::OnMiss;

use crate::proxy::{Setup, assert_asked_once, assert_same};
use crate::support::{Client, Kept, Server, Tls};

/// `user:pass`
const CREDENTIALS: &str = "Basic dXNlcjpwYXNz";

async fn auth(request: Request, next: Next) -> Response {
    match request.headers().get(AUTHORIZATION) {
        Some(given) if given == CREDENTIALS => next.run(request).await,
        _ => {
            let ask = [(WWW_AUTHENTICATE, "Basic realm=\"modules\"")];
            (StatusCode::UNAUTHORIZED, ask, "who are you?\n").into_response()
        }
    }
}

/// The storage is a static GOPROXY afterwards.
#[tokio::test]
async fn streams_through_axum_behind_an_auth_layer() {
    let setup = Setup::new(Kept::on_disk(), |_| OnMiss::Stream).await;
    let tls = Tls::new();
    let app = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .fallback_service(setup.answers.of(setup.fill.clone()))
        .layer(middleware::from_fn(auth));
    let server = Server::start_tls(app, &tls).await;
    let stranger = Client::new(server.url()).trusting(&tls.authority_file());

    let refused = stranger
        .try_go(&["mod", "download", "example.com/zero@v0.0.1"])
        .await;
    assert!(!refused.success);
    assert!(refused.stderr.contains("401"), "{}", refused.stderr);
    assert_eq!(setup.registry.requests().total(), 0);
    assert_eq!(setup.kept.names().await, [""; 0]);

    let netrc = format!("machine {} login user password pass\n", server.address());
    let user = || {
        Client::new(server.url())
            .trusting(&tls.authority_file())
            .netrc(&netrc)
    };
    let asked = setup.registry.requests().clone();
    let kept = setup
        .build_twice(user(), user(), (Version::HTTP_2, StatusCode::OK))
        .await;
    assert_asked_once(&asked);
    for request in asked.all() {
        assert!(!request.headers.contains_key(AUTHORIZATION), "{request:?}");
    }

    let folder = Client::new(format!("file://{}", kept.folder().display()));
    assert_same(&folder.build_program().await, &user().build_program().await);
}

#[tokio::test]
async fn streams_through_bare_hyper_over_http1() {
    let setup = Setup::new(Kept::in_memory(), |_| OnMiss::Stream).await;
    let server = Server::start(setup.answers.of(setup.fill.clone())).await;
    let client = || Client::new(server.url());
    let asked = setup.registry.requests().clone();
    setup
        .build_twice(client(), client(), (Version::HTTP_11, StatusCode::OK))
        .await;
    assert_asked_once(&asked);
}

#[tokio::test]
async fn waits_for_the_storage_through_bare_hyper_over_http2() {
    let setup = Setup::new(Kept::in_memory(), |_| OnMiss::Wait).await;
    let tls = Tls::new();
    let server = Server::start_tls(setup.answers.of(setup.fill.clone()), &tls).await;
    let client = || Client::new(server.url()).trusting(&tls.authority_file());
    let asked = setup.registry.requests().clone();
    setup
        .build_twice(client(), client(), (Version::HTTP_2, StatusCode::OK))
        .await;
    assert_asked_once(&asked);
}

/// The client gets each file from the registry, and the fill behind gets it too.
#[tokio::test]
async fn follows_the_redirect_to_the_registry_on_a_miss() {
    let setup = Setup::new(Kept::in_memory(), |to| OnMiss::redirect(to).unwrap()).await;
    let server = Server::start(setup.answers.of(setup.fill.clone())).await;
    let (first, second) = (Client::new(server.url()), Client::new(server.url()));
    let asked = setup.registry.requests().clone();
    setup
        .build_twice(first, second, (Version::HTTP_11, StatusCode::SEE_OTHER))
        .await;
    for request in asked.all() {
        assert_eq!(asked.count(&request.path), 2, "{}", request.path);
    }
}

/// `GOPROXY=ours,registry`, and later ours alone.
#[tokio::test]
async fn goes_on_to_the_registry_where_a_miss_is_not_found() {
    let setup = Setup::new(Kept::in_memory(), |_| OnMiss::NotFound).await;
    let server = Server::start(setup.answers.of(setup.fill.clone())).await;
    let both = Client::new(format!("{},{}", server.url(), setup.registry.url()));
    let ours = Client::new(server.url());
    setup
        .build_twice(both, ours, (Version::HTTP_11, StatusCode::NOT_FOUND))
        .await;
}
