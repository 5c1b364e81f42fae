//! What is kept of a source: its files, and its answers that change.

use tower::Layer as _;
use tower_goproxy::fill::{Fill, FillLayer, OnMiss};
use tower_goproxy::fresh::{Fresh, FreshLayer};
use tower_goproxy::source::{HasArea, Tasks};
use tower_goproxy::sumdb::SumDb;
use tower_goproxy::{SameCommit, SharedCaches, Storage};

/// One storage for all sources.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) storage: Storage,
    /// Clones share the running fills and their slots.
    pub(crate) fill: FillLayer,
    offline: bool,
    shared_caches: SharedCaches,
}

impl Kept {
    pub(crate) fn new(storage: Storage, offline: bool, shared_caches: SharedCaches) -> Self {
        Self {
            fill: FillLayer::new(storage.clone()).shared_caches(shared_caches),
            storage,
            offline,
            shared_caches,
        }
    }

    /// For one source more.
    pub(crate) fn source(&self) -> Stored {
        let fresh = FreshLayer::new(self.storage.clone()).shared_caches(self.shared_caches);
        Stored {
            storage: self.storage.clone(),
            fill: self.fill.clone(),
            fresh: if self.offline { fresh.offline() } else { fresh },
        }
    }
}

/// The layers around one source. They outlive the services that a reload replaces.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    storage: Storage,
    fill: FillLayer,
    fresh: FreshLayer,
}

impl Stored {
    /// Files are verified against this checksum database too.
    pub(crate) fn verify(self, sumdb: SumDb) -> Self {
        Self {
            fill: self.fill.verify(sumdb),
            ..self
        }
    }

    /// A registry that may move tags.
    pub(crate) fn same_commit<S>(&self, registry: S) -> SameCommit<S> {
        SameCommit::new(registry, self.storage.clone())
    }

    pub(crate) fn around<S: HasArea>(&self, source: S, on_miss: OnMiss) -> Fresh<Fill<S>> {
        let fill = self.fill.clone().on_miss(on_miss);
        self.fresh.layer(fill.layer(source))
    }

    pub(crate) fn refreshes(&self) -> Tasks {
        self.fresh.refreshes()
    }
}
