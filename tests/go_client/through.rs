//! The program of thirty modules, twice: the second time the registry is switched off.

use http::header::AUTHORIZATION;
use http::{StatusCode, Version};
use tower_goproxy::fill::OnMiss;

use crate::apps::{Private, axum_with_auth, bare_hyper, netrc};
use crate::proxy::{Setup, assert_asked_once, assert_same};
use crate::support::{Client, Kept, Server, Tls, Tree};

/// All modules of the program come from the registry.
const RULES: &str = "
    +
    D corp.example
    - example.com/evil
";

/// The storage is a static GOPROXY afterwards.
#[tokio::test]
async fn streams_through_axum_behind_an_auth_layer() {
    let setup = Setup::new(Kept::on_disk(), |_| OnMiss::Stream).await;
    let tls = Tls::new();
    let private = Private::new(Tree::of([]));
    let app = axum_with_auth(&setup, RULES, &private);
    let server = Server::start_tls(app, &tls).await;
    let stranger = Client::new(server.url()).trusting(&tls.authority_file());

    let refused = stranger
        .try_go(&["mod", "download", "example.com/zero@v0.0.1"])
        .await;
    assert!(!refused.success);
    assert!(refused.stderr.contains("401"), "{}", refused.stderr);
    assert_eq!(setup.registry.requests().total(), 0);
    assert_eq!(setup.kept.names().await, [""; 0]);
    setup.answers.clear();

    let netrc = netrc(&server);
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
    assert_eq!(private.requests.total(), 0);

    let folder = Client::new(format!("file://{}", kept.folder().display()));
    assert_same(&folder.build_program().await, &user().build_program().await);
}

#[tokio::test]
async fn streams_through_bare_hyper_over_http1() {
    let setup = Setup::new(Kept::in_memory(), |_| OnMiss::Stream).await;
    let private = Private::new(Tree::of([]));
    let server = Server::start(bare_hyper(&setup, RULES, &private)).await;
    let client = || Client::new(server.url());
    let asked = setup.registry.requests().clone();
    setup
        .build_twice(client(), client(), (Version::HTTP_11, StatusCode::OK))
        .await;
    assert_asked_once(&asked);
    assert_eq!(private.requests.total(), 0);
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
