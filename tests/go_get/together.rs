//! Public modules from a registry, private ones from version control, through one proxy.

use std::fs;

use http::request::Parts;
use tempfile::TempDir;
use tower::Layer as _;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rule;
use tower_goproxy::{Target, Upstream};

use crate::setup::Setup;
use crate::support::modules::MODULES;
use crate::support::{Answers, Client, Kept, Server, StaticRegistry, Tree};

/// Public modules of the program, which require no others.
const PUBLIC: [&str; 5] = [
    "example.com/base@v1.2.0",
    "github.com/BurntSushi/TOML@v0.3.1",
    "git.example.com/~user/mod@v0.1.0",
    "example.com/zero@v0.0.1",
    "example.com/many-files@v1.0.0",
];

/// Private ones: a tag, a second one that needs a public module and a private one, a folder, a major version, a commit.
const PRIVATE: [(&str, &str, &str); 5] = [
    ("corp/one", "github.com/corp/one", "v1.0.0"),
    ("corp/two", "github.com/corp/two", "v1.2.3"),
    ("corp/mono", "github.com/corp/mono/sub", "v0.1.0"),
    ("corp/major", "github.com/corp/major/v2", "v2.0.0"),
    ("corp/commit", "github.com/corp/commit", ""),
];

/// Makes the repositories, and returns `path@version` of each module.
fn private(setup: &Setup) -> Vec<String> {
    let mut ids = Vec::new();
    for (name, module, version) in PRIVATE {
        let repo = setup.repos.init(name);
        let folder = if name == "corp/mono" { "sub/" } else { "" };
        let mut go_mod = format!("module {module}\n\ngo 1.20\n");
        let mut package = format!("package p\n\nconst Module = \"{module}\"\n");
        if name == "corp/two" {
            go_mod.push_str(
                "\nrequire example.com/base v1.2.0\n\nrequire github.com/corp/one v1.0.0\n",
            );
            package.push_str("\nconst Needs = base.Module + one.Module\n");
            package = package.replace(
                "package p\n",
                "package p\n\nimport (\n\tbase \"example.com/base\"\n\tone \"github.com/corp/one\"\n)\n",
            );
        }
        repo.write(&format!("{folder}go.mod"), &go_mod);
        repo.write(&format!("{folder}p.go"), &package);
        let hash = repo.commit("one");
        let version = match version {
            "" => format!("v0.0.0-20240102030405-{}", &hash[..12]),
            version => {
                repo.tag(&format!("{folder}{version}"));
                version.to_owned()
            }
        };
        ids.push(format!("{module}@{version}"));
    }
    ids
}

/// Builds the program that needs all of them, runs it, and returns its `go.sum` and what it prints.
async fn build(client: &Client, ids: &[String]) -> (String, String) {
    let dir = TempDir::new().unwrap();
    let mut go_mod = "module example.com/program\n\ngo 1.21\n".to_owned();
    let mut source = "package main\n\nimport (\n".to_owned();
    for (i, id) in ids.iter().enumerate() {
        let (path, version) = id.split_once('@').unwrap();
        go_mod.push_str(&format!("\nrequire {path} {version}\n"));
        source.push_str(&format!("\tm{i} \"{path}\"\n"));
    }
    source.push_str(")\n\nfunc main() {\n");
    for i in 0..ids.len() {
        source.push_str(&format!("\tprintln(m{i}.Module)\n"));
    }
    source.push_str("}\n");
    fs::write(dir.path().join("go.mod"), go_mod).unwrap();
    fs::write(dir.path().join("main.go"), source).unwrap();
    let ran = client.run_in(dir.path(), &["run", "."]).await;
    assert!(ran.success, "{}", ran.stderr);
    let lines = ran.stderr.lines().filter(|line| !line.starts_with("go: "));
    let printed: Vec<_> = lines.collect();
    (
        fs::read_to_string(dir.path().join("go.sum")).unwrap(),
        printed.join("\n"),
    )
}

#[tokio::test]
async fn a_program_of_both_builds_again_when_registry_and_repositories_are_gone() {
    let setup = Setup::new();
    let private = private(&setup);
    let ids: Vec<_> = PUBLIC
        .map(str::to_owned)
        .into_iter()
        .chain(private.clone())
        .collect();
    let tree = Tree::of(
        MODULES
            .iter()
            .filter(|module| PUBLIC.contains(&module.id().as_str())),
    );
    let registry = StaticRegistry::start(tree.root()).await;

    // One layer: what is downloaded from both takes the same places.
    let kept = Kept::on_disk();
    let layer = FillLayer::new(kept.storage()).max_fills(4);
    let include = layer.layer(Upstream::new(&registry.url()).unwrap().retries(0));
    let direct = layer.layer(setup.goget.clone());
    let policy = |target: &Target<'_>, _: &Parts| {
        let module = target.module();
        if module.escaped().starts_with("github.com/corp/") {
            Rule::Direct
        } else {
            Rule::Include
        }
    };
    let answers = Answers::default();
    let app = FilterLayer::new(policy, include).layer(direct);
    let server = Server::start(answers.of(app)).await;

    let first = build(&Client::new(server.url()), &ids).await;
    let printed: Vec<_> = first.1.lines().collect();
    assert_eq!(printed.len(), 10);
    for id in &private {
        let (path, version) = id.split_once('@').unwrap();
        assert!(printed.contains(&path), "{path}: {printed:?}");
        assert!(
            first.0.contains(&format!("{path} {version} h1:")),
            "{}",
            first.0
        );
    }
    layer.fills().idle().await;

    registry.shutdown().await;
    let Setup { repos, folder, .. } = setup;
    repos.remove();
    folder.close().unwrap();
    answers.clear();
    let second = build(&Client::new(server.url()), &ids).await;
    assert_eq!(second, first);
    let sent = answers.all();
    assert!(
        sent.iter()
            .filter(|sent| sent.path.ends_with(".zip"))
            .count()
            == 10
    );
    for sent in sent {
        assert_eq!(
            (sent.status.as_u16(), sent.cache_status.as_str()),
            (200, "hit"),
            "{}",
            sent.path
        );
    }
}
