//! A storage that was there before the proxy.

use std::fs;
use std::path::Path;

use tower::Layer as _;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::{Storage, Upstream};

use crate::proxy::{assert_all_hits, assert_same};
use crate::support::{Answers, Client, Server, StaticRegistry, Tree};

/// `$(go env GOMODCACHE)/cache/download` of some client, copied, with all that go keeps there.
#[tokio::test]
async fn a_copied_module_cache_is_a_storage() {
    let tree = Tree::all();
    let registry = StaticRegistry::start(tree.root()).await;
    let url = registry.url();
    let someone = Client::new(&url);
    let built = someone.build_program().await;
    registry.shutdown().await;

    let folder = tempfile::tempdir().unwrap();
    copy(
        &someone.module_cache().join("cache/download"),
        folder.path(),
    );
    let layer = FillLayer::new(Storage::disk(folder.path()).unwrap());
    let answers = Answers::default();
    let proxy = layer.layer(Upstream::new(&url).unwrap().retries(0));
    let server = Server::start(answers.of(proxy)).await;
    assert_same(&Client::new(server.url()).build_program().await, &built);
    assert_all_hits(&answers);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
