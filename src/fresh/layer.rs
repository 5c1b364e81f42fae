use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tower_layer::Layer;

use super::complete::Complete;
use super::memory::Memory;
use super::service::Fresh;
use super::shared::Shared;
use crate::shared_caches::SharedCaches;
use crate::source::{Area, AreaOfSource, HasArea, Tasks};
use crate::storage::Storage;

/// Longer is for ever, and would lie beyond what clocks know.
const LONGEST: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);

/// Keeps lists, `@latest` and queries for a while. See the [module docs](super).
///
/// Every service that one layer makes shares its answers, so it may be given to `axum::Router::layer`, which asks it for one
/// service per route. So do clones of a layer, and what they wrap must say the same: set another [area](Self::area) on a
/// clone, but do not wrap two registries with clones of one layer.
///
/// ```
/// use std::time::Duration;
///
/// use tower_goproxy::Storage;
/// use tower_goproxy::fresh::FreshLayer;
///
/// let layer = FreshLayer::new(Storage::memory())
///     .fresh_for(Duration::from_secs(300))
///     .not_found_for(Duration::from_secs(10));
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct FreshLayer<A = AreaOfSource> {
    shared: Shared,
    area: A,
}

impl FreshLayer {
    /// A layer that keeps its answers in this storage: that of the `FillLayer` inside. Where they belong is said by what it
    /// wraps, or by [`area`](Self::area).
    pub fn new(storage: Storage) -> Self {
        Self {
            shared: Shared::new(storage),
            area: AreaOfSource,
        }
    }
}

impl<A> FreshLayer<A> {
    /// Where the answers belong, if what this layer wraps does not say it.
    ///
    /// ```
    /// use tower_goproxy::Storage;
    /// use tower_goproxy::fresh::FreshLayer;
    /// use tower_goproxy::source::Area;
    ///
    /// let layer = FreshLayer::new(Storage::memory()).area(Area::Included);
    /// ```
    pub fn area(self, area: Area) -> FreshLayer<Area> {
        FreshLayer {
            shared: self.shared,
            area,
        }
    }

    /// How long an answer is given without asking the source again. Default: 1 minute.
    pub fn fresh_for(self, time: Duration) -> Self {
        self.with(|shared| shared.fresh = time.min(LONGEST))
    }

    /// For how long after that it is still given at once, while the source is asked behind it. Default: 1 minute. Zero: every
    /// client waits for the source then.
    pub fn stale_for(self, time: Duration) -> Self {
        self.with(|shared| shared.stale = time.min(LONGEST))
    }

    /// How long a 404 or 410 is believed, of a list as of a file. Default: 1 minute.
    pub fn not_found_for(self, time: Duration) -> Self {
        self.with(|shared| shared.not_found = time.min(LONGEST))
    }

    /// How long a 403 is believed, by which registries say "blocked". Default: 1 minute.
    pub fn refused_for(self, time: Duration) -> Self {
        self.with(|shared| shared.refused = time.min(LONGEST))
    }

    /// How long a client waits for the source if there is an earlier answer, which it gets then. The source goes on
    /// meanwhile. Default: 750 ms.
    ///
    /// Once a source has been silent for so long, nobody else waits until it is heard of again.
    pub fn patience(self, time: Duration) -> Self {
        self.with(|shared| shared.patience = time)
    }

    /// How many bytes of memory all answers may take; three quarters are for what exists. Answers that do not fit are read
    /// from the storage, and are always asked for. Default: 16 MiB.
    ///
    /// The returned layer does not share its answers with the layers it was cloned from.
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.shared.memory = Arc::new(Memory::new(bytes));
        self
    }

    /// How many questions may be at the source at once. Default: 16. Further ones wait, for up to 5 minutes, and give up their
    /// turn if all clients that wait for them leave.
    ///
    /// The returned layer does not share its slots with the layers it was cloned from.
    pub fn max_questions(mut self, questions: usize) -> Self {
        let slots = questions.min(Semaphore::MAX_PERMITS);
        self.shared.slots = Arc::new(Semaphore::new(slots));
        self
    }

    /// Which files of a version are fetched behind one that a client has asked for. Default: [`Complete::Zips`].
    pub fn complete(self, complete: Complete) -> Self {
        self.with(|shared| shared.complete = complete)
    }

    /// Shares answers between owners: this layer ignores an [`Access`](crate::Access) in the extensions of a request. Set it
    /// where the `FillLayer` inside has it. Default: each owner has answers of their own.
    pub fn shared(self) -> Self {
        self.with(|shared| shared.owners_share = true)
    }

    /// Answers from the storage only, files too, as if every request had `Disable-Module-Fetch: true`. Default: off.
    ///
    /// ```
    /// use tower_goproxy::Storage;
    /// use tower_goproxy::fresh::FreshLayer;
    ///
    /// let air_gap = FreshLayer::new(Storage::memory()).offline();
    /// ```
    pub fn offline(self) -> Self {
        self.with(|shared| shared.offline = true)
    }

    /// Whether caches that several users share may keep responses. Default: [`SharedCaches::Auto`].
    pub fn shared_caches(self, shared_caches: SharedCaches) -> Self {
        self.with(|shared| shared.shared_caches = shared_caches)
    }

    /// Keeps answers although a source says `Cache-Control: no-store`, as some registries do of every list, and answers
    /// `public` although it says `private`. Default: a `no-store` answer goes to those who wait for it, and is forgotten. A 404,
    /// 410 or 403 with `no-store` is never kept: an `Upstream` says it if a registry of its list did not answer.
    pub fn ignore_source_cache_control(self) -> Self {
        self.with(|shared| shared.ignore_cache_control = true)
    }

    /// What this layer does behind its answers: questions to the source, records, files that complete a version. Such files
    /// are fills of the `FillLayer`: await these after it.
    ///
    /// ```
    /// use tower_goproxy::Storage;
    /// use tower_goproxy::fresh::FreshLayer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let layer = FreshLayer::new(Storage::memory());
    /// let refreshes = layer.refreshes();
    /// // ... serve, until the server has been told to stop, and then:
    /// refreshes.idle().await;
    /// # }
    /// ```
    #[must_use]
    pub fn refreshes(&self) -> Tasks {
        self.shared.flights.tasks.clone()
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(&mut self.shared);
        self
    }
}

impl<S: HasArea> Layer<S> for FreshLayer {
    type Service = Fresh<S>;

    fn layer(&self, inner: S) -> Fresh<S> {
        Fresh {
            area: inner.area(),
            inner,
            shared: Arc::new(self.shared.clone()),
        }
    }
}

impl<S> Layer<S> for FreshLayer<Area> {
    type Service = Fresh<S>;

    fn layer(&self, inner: S) -> Fresh<S> {
        Fresh {
            inner,
            area: self.area,
            shared: Arc::new(self.shared.clone()),
        }
    }
}

impl<A: fmt::Debug> fmt::Debug for FreshLayer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshLayer")
            .field("storage", &self.shared.storage)
            .field("area", &self.area)
            .finish_non_exhaustive()
    }
}
