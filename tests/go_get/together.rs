//! Public modules from a registry, private ones from version control, through one proxy.

use tower::Layer as _;
use tower_goproxy::Upstream;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::{Rule, policy_fn};

use crate::setup::Setup;
use crate::support::{Answers, Client, Kept, Server, StaticRegistry, company};

#[tokio::test]
async fn a_program_of_both_builds_again_when_registry_and_repositories_are_gone() {
    let setup = Setup::new();
    let private = company::private(&setup.repos);
    let ids = company::all(&private);
    let tree = company::registry();
    let registry = StaticRegistry::start(tree.root()).await;

    // One layer: what is downloaded from both takes the same places.
    let kept = Kept::on_disk();
    let layer = FillLayer::new(kept.storage()).max_fills(4);
    let include = layer.layer(Upstream::new(&registry.url()).unwrap().retries(0));
    let direct = layer.layer(setup.goget.clone());
    let policy = policy_fn(
        |target, _| match target.module().is_within("github.com/corp") {
            true => Rule::direct(),
            false => Rule::include(),
        },
    );
    let answers = Answers::default();
    let app = FilterLayer::new(policy, include).layer(direct);
    let server = Server::start(answers.of(app)).await;

    let first = company::build(&Client::new(server.url()), &ids).await;
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
    let second = company::build(&Client::new(server.url()), &ids).await;
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
