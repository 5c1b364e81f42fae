//! What the go command makes of rules with versions.

use std::fs;

use axum::Router;
use axum::middleware;
use tempfile::TempDir;
use tower::Layer as _;
use tower_goproxy::fill::OnMiss;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;
use tower_goproxy::{NotFound, Redirect, Upstream};

use crate::apps::{auth, netrc};
use crate::proxy::Setup;
use crate::support::go::Output;
use crate::support::modules::{MODULES, Module};
use crate::support::{Client, Kept, Requests, Server, Tls, Tree, module_zip, static_files};

const RULES: &str = "
    - example.com/t <v0.3.0,v0.6.0
    - example.com/untagged v0.0.0-20240102030405-abcdef012345
";

const VERSIONS: [&str; 4] = ["v0.1.0", "v0.4.0", "v0.5.0", "v0.6.0"];

/// In the range of what is excluded, and of what is not.
const PSEUDO: [&str; 2] = [
    "v0.2.1-0.20240203040506-0123456789ab",
    "v0.5.1-0.20240203040506-0123456789ab",
];

fn version(path: &'static str, version: &'static str) -> Module {
    Module {
        path,
        version,
        ..MODULES[0]
    }
}

/// `example.com/t` in all versions, `example.com/old` which names an excluded one of them, and a module without tags.
fn tree() -> Tree {
    let versions = VERSIONS.iter().chain(&PSEUDO);
    let modules: Vec<_> = versions.map(|one| version("example.com/t", one)).collect();
    let tree = Tree::of(&modules);
    tree.add(&version(
        "example.com/untagged",
        "v0.0.0-20240102030405-abcdef012345",
    ));
    // Older than graph pruning: its requirements are read however deep they are.
    let go_mod = "module example.com/old\n\ngo 1.16\n\nrequire example.com/t v0.1.0\n";
    let files = [
        ("go.mod", go_mod.as_bytes()),
        ("old.go", b"package old\n".as_slice()),
    ];
    let zip = module_zip("example.com/old", "v1.0.0", &files);
    let old = version("example.com/old", "v1.0.0");
    tree.add(&old);
    tree.write(&old.key("mod"), go_mod.as_bytes());
    tree.write(&old.key("zip"), &zip);
    tree
}

async fn setup() -> Setup {
    Setup::of(tree(), Kept::in_memory(), |_| OnMiss::Stream).await
}

fn rules() -> Rules {
    Rules::parse(RULES).unwrap()
}

async fn filled(setup: &Setup) -> Server {
    let app = FilterLayer::new(rules(), setup.fill.clone()).layer(NotFound);
    Server::start(app).await
}

async fn redirected(setup: &Setup) -> Server {
    let registry = setup.registry.url();
    let upstream = Upstream::new(&registry).unwrap();
    let redirect = Redirect::to(&registry).unwrap().filtered_from(upstream);
    Server::start(FilterLayer::new(rules(), redirect).layer(NotFound)).await
}

/// The go command in a module of its own.
async fn in_a_module(client: &Client, args: &[&str]) -> (Output, String) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("go.mod");
    fs::write(&file, "module example.com/main\n\ngo 1.16\n").unwrap();
    let main = "package main\n\nimport _ \"example.com/t\"\n\nfunc main() {}\n";
    fs::write(folder.path().join("main.go"), main).unwrap();
    let output = client.run_in(folder.path(), args).await;
    (output, fs::read_to_string(file).unwrap())
}

async fn refuses(server: &Server) {
    refuses_to(|| Client::new(server.url())).await;
}

async fn refuses_to(new_client: impl Fn() -> Client) {
    let client = new_client();
    let listed = client
        .go(&["list", "-m", "-versions", "example.com/t"])
        .await;
    assert_eq!(listed.stdout, "example.com/t v0.4.0 v0.5.0\n");

    for query in ["latest", "upgrade", "v0", "<v0.6.0", ">=v0.1.0"] {
        let expected = match query {
            ">=v0.1.0" => "v0.4.0",
            _ => "v0.5.0",
        };
        let wanted = format!("example.com/t@{query}");
        let (output, go_mod) = in_a_module(&new_client(), &["get", &wanted]).await;
        assert!(output.success, "{query}: {}", output.stderr);
        let required = format!("require example.com/t {expected}");
        assert!(go_mod.contains(&required), "{query}: {go_mod}");
    }

    for excluded in ["v0.1.0", "v0.6.0", PSEUDO[0]] {
        let id = format!("example.com/t@{excluded}");
        let output = client.try_go(&["mod", "download", &id]).await;
        assert!(!output.success, "{id}");
        let line = format!("server response: {id} is excluded by the rules of this proxy");
        for part in ["403 Forbidden", &line] {
            assert!(output.stderr.contains(part), "{part}: {}", output.stderr);
        }
    }
    let allowed = format!("example.com/t@{}", PSEUDO[1]);
    client.go(&["mod", "download", &allowed]).await;

    let output = client
        .try_go(&["list", "-m", "example.com/untagged@latest"])
        .await;
    assert!(!output.success);
    assert!(
        output.stderr.contains("is excluded by the rules"),
        "{}",
        output.stderr
    );
}

/// A dependency names an excluded version, and the build uses another one.
async fn builds_an_old_graph(server: &Server) {
    let client = Client::new(server.url());
    let wanted = ["get", "example.com/old@v1.0.0", "example.com/t@v0.5.0"];
    let (output, go_mod) = in_a_module(&client, &wanted).await;
    assert!(output.success, "{}", output.stderr);
    assert!(go_mod.contains("example.com/t v0.5.0"), "{go_mod}");
}

#[tokio::test]
async fn excluded_versions_are_not_listed_not_chosen_and_refused_by_name() {
    let setup = setup().await;
    let server = filled(&setup).await;
    refuses(&server).await;
    builds_an_old_graph(&server).await;
    setup.fills.idle().await;
    for name in setup.kept.names().await {
        let excluded = ["v0.1.0", "v0.6.0", PSEUDO[0]];
        let is_excluded = excluded.iter().any(|version| name.contains(version));
        assert!(!is_excluded || name.ends_with(".mod"), "{name}");
    }
}

#[tokio::test]
async fn the_same_where_the_registry_answers_by_redirect() {
    let setup = setup().await;
    let server = redirected(&setup).await;
    refuses(&server).await;
    builds_an_old_graph(&server).await;
}

/// Where no version has a tag, go asks for `@latest`, and is sent from there to what is allowed, by 303s.
#[tokio::test]
async fn the_same_of_a_direct_module_below_a_prefix_and_with_credentials() {
    let setup = setup().await;
    let (allowed, excluded) = (
        "v0.0.0-20230102030405-abcdef012345",
        "v0.0.0-20240102030405-abcdef012345",
    );
    let tree = tree();
    for one in [allowed, excluded] {
        tree.add(&version("example.com/moved", one));
    }
    let list = format!("{allowed}\n{excluded}\n");
    tree.write("example.com/moved/@v/list", list.as_bytes());
    let rules = format!("D example.com\n{RULES}\n- example.com/moved {excluded}\n");
    let rules = Rules::parse(&rules).unwrap();
    let asked = Requests::new();
    let direct = static_files(tree.root(), &asked);
    let modules = FilterLayer::new(rules, setup.fill.clone()).layer(direct);
    let app = Router::new()
        .nest_service("/team/go", modules)
        .layer(middleware::from_fn(auth));
    let tls = Tls::new();
    let server = Server::start_tls(app, &tls).await;
    let new_client = || {
        Client::new(format!("{}/team/go", server.url()))
            .trusting(&tls.authority_file())
            .netrc(&netrc(&server))
    };
    refuses_to(new_client).await;
    asked.clear();
    let wanted = ["list", "-m", "example.com/moved@latest"];
    let found = new_client().go(&wanted).await;
    assert_eq!(found.stdout, format!("example.com/moved {allowed}\n"));
    // It was found by the 303s: after a 404, go asks again and then takes the newest of the list.
    assert_eq!(asked.count("/example.com/moved/@latest"), 1);
    let info = format!("/example.com/moved/@v/{allowed}.info");
    assert!(asked.count(&info) > 0);
    assert_eq!(setup.registry.requests().total(), 0);
}

#[tokio::test]
async fn stored_versions_are_refused_too() {
    let setup = setup().await;
    let unfiltered = Server::start(setup.fill.clone()).await;
    let client = Client::new(unfiltered.url());
    for version in VERSIONS.iter().chain(&PSEUDO) {
        let id = format!("example.com/t@{version}");
        client.go(&["mod", "download", &id]).await;
    }
    setup.fills.idle().await;
    let names = setup.kept.names().await;
    assert!(names.contains(&"example.com/t/@v/v0.6.0.zip".to_owned()));
    refuses(&filled(&setup).await).await;
}
