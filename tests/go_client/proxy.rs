use http::{StatusCode, Version};
use tower::Layer as _;
use tower_goproxy::Upstream;
use tower_goproxy::fill::{Fill, FillLayer, OnMiss};
use tower_goproxy::source::Tasks;

use crate::support::modules::{MODULES, Module};
use crate::support::{Answers, Build, Client, Kept, Requests, StaticRegistry, Tree};

/// Everything between the go command and the modules.
pub(crate) struct Setup {
    pub(crate) registry: StaticRegistry,
    pub(crate) kept: Kept,
    pub(crate) fills: Tasks,
    pub(crate) answers: Answers,
    pub(crate) fill: Fill<Upstream>,
    tree: Tree,
}

impl Setup {
    /// A registry with all modules, and a fill in front of it.
    pub(crate) async fn new(kept: Kept, on_miss: impl FnOnce(&str) -> OnMiss) -> Self {
        Self::of(Tree::all(), kept, on_miss).await
    }

    /// A registry with these modules, and a fill in front of it.
    pub(crate) async fn of(tree: Tree, kept: Kept, on_miss: impl FnOnce(&str) -> OnMiss) -> Self {
        let registry = StaticRegistry::start(tree.root()).await;
        let layer = FillLayer::new(kept.storage()).on_miss(on_miss(&registry.url()));
        let fill = layer.layer(Upstream::new(&registry.url()).unwrap());
        Self {
            registry,
            kept,
            fills: layer.fills(),
            answers: Answers::default(),
            fill,
            tree,
        }
    }

    /// The registry has one more module.
    pub(crate) fn add(&self, module: &Module) {
        self.tree.add(module);
    }

    /// Builds with `first`, then again with `second` while the registry is switched off.
    /// The answers of the first time are `missed`, in this version of HTTP.
    pub(crate) async fn build_twice(
        self,
        first: Client,
        second: Client,
        (version, missed): (Version, StatusCode),
    ) -> Kept {
        let built = first.build_program().await;
        self.fills.idle().await;
        let ids: Vec<_> = MODULES.iter().map(Module::id).collect();
        assert_eq!(built.modules, ids);
        for sent in self.answers.all() {
            // Only a zip is missed with 404.
            let status = match missed {
                StatusCode::NOT_FOUND if !sent.path.ends_with(".zip") => StatusCode::OK,
                missed => missed,
            };
            // An answer that is not the file itself is not what has been stored.
            let stored = match status {
                StatusCode::OK => "fwd=miss; stored",
                _ => "fwd=miss; detail=filling",
            };
            let as_it_is = (sent.version, sent.status, sent.cache_status.as_str());
            assert_eq!(as_it_is, (version, status, stored), "{}", sent.path);
        }
        let asked = self.registry.requests().clone();
        self.registry.shutdown().await;

        self.answers.clear();
        let total = asked.total();
        assert_same(&second.build_program().await, &built);
        assert_eq!(asked.total(), total);
        assert_all_hits(&self.answers);
        self.kept
    }
}

#[track_caller]
pub(crate) fn assert_same(one: &Build, other: &Build) {
    assert_eq!(one.go_sum, other.go_sum);
    assert!(one == other, "the two programs differ");
}

/// Every file of the build came out of the storage, and nothing else was asked for.
#[track_caller]
pub(crate) fn assert_all_hits(answers: &Answers) {
    let sent = answers.all();
    for sent in &sent {
        assert_eq!(
            (sent.status, sent.cache_status.as_str()),
            (StatusCode::OK, "hit"),
            "{}",
            sent.path
        );
    }
    let zips = sent.iter().filter(|sent| sent.path.ends_with(".zip"));
    assert_eq!(zips.count(), MODULES.len());
}

/// No file was asked for twice.
#[track_caller]
pub(crate) fn assert_asked_once(requests: &Requests) {
    for request in requests.all() {
        assert_eq!(requests.count(&request.path), 1, "{}", request.path);
    }
}
