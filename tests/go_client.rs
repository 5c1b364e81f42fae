//! The real go command as the client.

mod support;

use std::collections::BTreeSet;

use support::modules::{MODULES, Module};
use support::{Client, StaticRegistry, Tree};

/// The ground of all that follows: the modules are good, and a build of them is reproducible.
#[tokio::test]
async fn builds_the_program_from_a_plain_registry_twice_alike() {
    let tree = Tree::all();
    let registry = StaticRegistry::start(tree.root()).await;

    let first = Client::new(registry.url()).build_program().await;
    let asked = registry.requests().total();
    let second = Client::new(registry.url()).build_program().await;

    assert_eq!(
        first.modules,
        MODULES.iter().map(Module::id).collect::<Vec<_>>()
    );
    assert_eq!(first.go_sum, second.go_sum);
    assert!(first == second, "the two programs differ");
    assert!(
        registry.requests().total() >= 2 * asked,
        "the second client did not begin with an empty module cache"
    );
    let summed: BTreeSet<_> = first
        .go_sum
        .lines()
        .filter(|line| !line.contains("/go.mod "))
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(module, _)| module.replace(' ', "@"))
        .collect();
    assert_eq!(summed, MODULES.iter().map(Module::id).collect());
}
