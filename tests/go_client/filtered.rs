//! What the go command sees of the rules.

use tower_goproxy::fill::OnMiss;

use crate::apps::{Private, axum_with_auth, bare_hyper, netrc};
use crate::proxy::Setup;
use crate::support::modules::{MODULES, Module, PASSED_OVER};
use crate::support::{Client, Kept, Requests, Server, Tls, Tree};

/// Modules of the program are of both kinds, and `example.com/evil` is none of them.
const RULES: &str = "
    +
    D github.com
    D gopkg.in
    - example.com/evil
";

fn is_direct(path: &str) -> bool {
    path.starts_with("github.com/") || path.starts_with("gopkg.in/")
}

/// A registry that has what is included, and a folder that has what is direct.
async fn apart() -> (Setup, Private) {
    let all = || MODULES.iter().chain(PASSED_OVER);
    let direct = Tree::of(all().filter(|module| is_direct(module.path)));
    let included = Tree::of(all().filter(|module| !is_direct(module.path)));
    let setup = Setup::of(included, Kept::in_memory(), |_| OnMiss::Stream).await;
    (setup, Private::new(direct))
}

/// Each module comes from where its rule leads, and only what is included is stored.
async fn builds_from_both(setup: Setup, private: Private, client: Client) {
    let built = client.build_program().await;
    let ids: Vec<_> = MODULES.iter().map(Module::id).collect();
    assert_eq!(built.modules, ids);

    setup.fills.idle().await;
    let zips = |requests: &Requests| {
        let all = requests.all().into_iter().map(|request| request.path);
        let mut zips: Vec<_> = all.filter(|path| path.ends_with(".zip")).collect();
        zips.sort();
        zips
    };
    let expected = |direct| {
        let modules = MODULES.iter().filter(|one| is_direct(one.path) == direct);
        let mut zips: Vec<_> = modules.map(|one| format!("/{}", one.key("zip"))).collect();
        zips.sort();
        assert!(!zips.is_empty());
        zips
    };
    assert_eq!(zips(&private.requests), expected(true));
    assert_eq!(zips(setup.registry.requests()), expected(false));
    let stored = setup.kept.names().await;
    assert!(stored.iter().all(|name| !is_direct(name)), "{stored:?}");
}

/// The refusal ends it, although GOPROXY has another entry, which has the module.
async fn shows_why_it_is_excluded(setup: &Setup, private: &Private, server: &Server, user: Client) {
    let evil = Module {
        path: "example.com/evil",
        ..MODULES[0]
    };
    setup.add(&evil);
    let user = user.env(
        "GOPROXY",
        format!("{},{}", server.url(), setup.registry.url()),
    );
    for (query, excluded) in [(evil.version, evil.id()), ("latest", evil.path.to_owned())] {
        let asked = format!("{}@{query}", evil.path);
        let output = user.try_go(&["mod", "download", &asked]).await;
        assert!(!output.success, "{asked}");
        let line = format!("server response: {excluded} is excluded by the rules of this proxy");
        for part in ["403 Forbidden", &line] {
            assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
        }
    }
    assert_eq!(setup.registry.requests().total(), 0);
    assert_eq!(private.requests.total(), 0);
    assert_eq!(setup.kept.names().await, [""; 0]);

    // Only the rule is in the way.
    let other = Client::new(setup.registry.url());
    other.go(&["mod", "download", &evil.id()]).await;
    setup.registry.requests().clear();
}

#[tokio::test]
async fn the_rules_hold_in_axum_behind_an_auth_layer() {
    let (setup, private) = apart().await;
    let tls = Tls::new();
    let app = axum_with_auth(&setup, RULES, &private);
    let server = Server::start_tls(app, &tls).await;
    let user = || {
        Client::new(server.url())
            .trusting(&tls.authority_file())
            .netrc(&netrc(&server))
    };
    shows_why_it_is_excluded(&setup, &private, &server, user()).await;
    builds_from_both(setup, private, user()).await;
}

#[tokio::test]
async fn the_rules_hold_in_bare_hyper() {
    let (setup, private) = apart().await;
    let server = Server::start(bare_hyper(&setup, RULES, &private)).await;
    let user = || Client::new(server.url());
    shows_why_it_is_excluded(&setup, &private, &server, user()).await;
    builds_from_both(setup, private, user()).await;
}
