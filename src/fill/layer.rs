use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use super::admission::Lane;
use super::config::{OnDisconnect, OnMiss};
use super::service::Fill;
use super::shared::Shared;
use crate::shared_caches::SharedCaches;
use crate::source::{Area, AreaOfSource, HasArea, Tasks};
use crate::storage::Storage;
use crate::verify::Verify;

/// Wraps a source in a [`Storage`]. See the [module docs](super).
///
/// All services that one layer makes share its running fills, so it can be passed to `axum::Router::layer`, which makes
/// one service per route.
///
/// ```
/// use std::time::Duration;
///
/// use tower_goproxy::Storage;
/// use tower_goproxy::fill::{FillLayer, OnDisconnect, OnMiss};
///
/// let layer = FillLayer::new(Storage::memory())
///     .on_miss(OnMiss::Wait)
///     .on_disconnect(OnDisconnect::Abort)
///     .max_fills(16)
///     .max_wait(Duration::from_secs(5));
/// ```
#[derive(Clone)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct FillLayer<A = AreaOfSource> {
    shared: Shared,
    area: A,
}

impl FillLayer {
    /// A layer that answers from this storage, and fills it on a miss. The source says where its files belong, unless
    /// [`area`](Self::area) does.
    pub fn new(storage: Storage) -> Self {
        Self {
            shared: Shared::new(storage),
            area: AreaOfSource,
        }
    }
}

impl<A> FillLayer<A> {
    /// Where the files of the source belong, for a source that does not say so: one of your own, or one inside other layers.
    ///
    /// ```
    /// use tower_goproxy::Storage;
    /// use tower_goproxy::fill::FillLayer;
    /// use tower_goproxy::source::Area;
    ///
    /// let layer = FillLayer::new(Storage::memory()).area(Area::Included);
    /// ```
    pub fn area(self, area: Area) -> FillLayer<Area> {
        FillLayer {
            shared: self.shared,
            area,
        }
    }

    /// What a client gets on a miss. Default: [`OnMiss::Stream`].
    pub fn on_miss(self, on_miss: OnMiss) -> Self {
        self.with(|shared| shared.on_miss = on_miss)
    }

    /// What happens to a fill whose clients have all disconnected. Default: [`OnDisconnect::Finish`].
    pub fn on_disconnect(self, on_disconnect: OnDisconnect) -> Self {
        self.with(|shared| shared.on_disconnect = on_disconnect)
    }

    /// Shares files and fills between owners: this layer ignores an [`Access`](crate::Access) in the extensions of a
    /// request. Default: requests of different owners share neither files nor fills.
    ///
    /// Use it for a source that ignores the `Access`, such as `Upstream`, whose files would otherwise be stored once per
    /// owner. Use it for other sources only if every owner may read everything: a fill then runs with the credentials of the
    /// first request, and if the source refuses these, every request that waits for the fill is refused.
    ///
    /// ```
    /// # use tower_goproxy::Storage;
    /// # use tower_goproxy::fill::FillLayer;
    /// let storage = Storage::memory();
    /// let public = FillLayer::new(storage.clone()).shared();
    /// let private = FillLayer::new(storage);
    /// ```
    pub fn shared(self) -> Self {
        self.with(|shared| shared.owners_share = true)
    }

    /// Answers from the storage only, as if every request had `Disable-Module-Fetch: true`: the source gets no request. A
    /// [`FreshLayer`](crate::fresh::FreshLayer) around this layer answers lists and `@latest` from what is stored.
    /// Default: off.
    ///
    /// ```
    /// # use tower_goproxy::Storage;
    /// # use tower_goproxy::fill::FillLayer;
    /// let air_gap = FillLayer::new(Storage::memory()).offline();
    /// ```
    pub fn offline(self) -> Self {
        self.with(|shared| shared.offline = true)
    }

    /// How many zips may be fetched at once, over all services of this layer. Default: 64.
    ///
    /// Each holds a connection to the source, up to 768 KiB of memory, and the file on disk; to an object store it uploads
    /// parts of 5 MiB, one of which is in memory. Hits and clients that attach to a running fill need no slot. A fill
    /// without a client, of [`OnMiss::Redirect`] or [`OnMiss::NotFound`], takes a slot only while no client waits for one;
    /// up to 1,024 of these wait, and more are refused at once.
    ///
    /// The returned layer does not share its slots with the layers it was cloned from.
    pub fn max_fills(mut self, fills: usize) -> Self {
        self.shared.zips = Lane::new(fills);
        self
    }

    /// How many small requests may be at the source at once: `.info`, `.mod`, lists, `@latest`, queries and `HEAD`. They
    /// have slots of their own, so that slow zips do not delay them. Default: 128.
    ///
    /// The returned layer does not share its slots with the layers it was cloned from.
    pub fn max_small_requests(mut self, requests: usize) -> Self {
        self.shared.small = Lane::new(requests);
        self
    }

    /// How long a request may wait for a slot at the source; after that it gets 503 with `Retry-After`. The go command
    /// does not retry after a 503. Default: 5 minutes.
    pub fn max_wait(self, wait: Duration) -> Self {
        self.with(|shared| shared.max_wait = wait)
    }

    /// The largest `.zip` that is stored, in bytes. A larger one passes through.
    /// Default: 500 MiB, the most that the go command accepts.
    pub fn max_zip_size(self, bytes: u64) -> Self {
        self.with(|shared| shared.max_zip = bytes)
    }

    /// The largest `.mod` that is stored, in bytes. A larger one passes through.
    /// Default: 16 MiB, the most that the go command accepts inside a zip.
    pub fn max_mod_size(self, bytes: u64) -> Self {
        self.with(|shared| shared.max_mod = bytes)
    }

    /// The largest `.info` that is stored, in bytes. A larger one passes through.
    /// Default: 1 MiB.
    pub fn max_info_size(self, bytes: u64) -> Self {
        self.with(|shared| shared.max_info = bytes)
    }

    /// How long the source may be silent: before the head of its response, and between two parts of it. After that the fill
    /// fails, and a client that has not received a response head gets 504. Default: 5 minutes. An `Upstream` has shorter
    /// limits of its own.
    pub fn source_timeout(self, limit: Duration) -> Self {
        self.with(|shared| shared.source_timeout = limit)
    }

    /// How long the source may take for one file in total. Only the time spent waiting for the source counts. Default: 2
    /// hours, enough for 500 MiB at 70 KiB/s.
    pub fn fill_timeout(self, limit: Duration) -> Self {
        self.with(|shared| shared.fill_timeout = limit)
    }

    /// The lowest rate of the source after the head of its response, in bytes a second, over each minute spent waiting for
    /// it. Default: 1,024. 0 turns this off.
    pub fn min_rate(self, bytes_per_second: u64) -> Self {
        self.with(|shared| shared.min_rate = bytes_per_second)
    }

    /// Whether shared caches may keep responses. Default: [`SharedCaches::Auto`], which decides for each request, and makes
    /// direct modules and files that a source calls private `private`.
    pub fn shared_caches(self, shared_caches: SharedCaches) -> Self {
        self.with(|shared| shared.shared_caches = shared_caches)
    }

    /// Stores files even if the source says `Cache-Control: no-store`, and sends `public` even if it says `private`. Default:
    /// a `no-store` file is not stored, and a `private` one is sent as `private`.
    pub fn ignore_source_cache_control(self) -> Self {
        self.with(|shared| shared.ignore_cache_control = true)
    }

    /// Adds a check of every file, after [`GoModuleFiles`](crate::verify::GoModuleFiles) and those added before. A file that
    /// fails a check is not stored, and no client receives all of it. For five minutes after that, clients that request the
    /// file wait until it is verified, and get 502 with the reason if it is still wrong.
    pub fn verify(self, verify: impl Verify) -> Self {
        self.with(|shared| shared.verify.push(verify))
    }

    /// Stores and serves files that a check [of yours](Self::verify)
    /// [cannot decide about](crate::verify::Verified::Unknown). Default: they are refused with 502.
    pub fn keep_unknown(self) -> Self {
        self.with(|shared| shared.verify.keep_unknown())
    }

    /// Time limit for the storage to look up a file, to return the next bytes of it, or to write a piece of a staged one. A
    /// file that cannot be looked up comes from the source, as if there were no storage; one that stalls in the middle
    /// breaks. Default: 10 seconds.
    pub fn storage_timeout(self, limit: Duration) -> Self {
        self.with(|shared| shared.storage.limit = limit)
    }

    /// How long a client with [`OnMiss::Wait`] waits for the storage to publish a file, and how long the checks of a file
    /// may take. A slow storage continues after that, and new requests attach to the same fill until it has finished: an
    /// upload may take as long as it needs, if no part of it takes longer than 12 hours. Default: 5 minutes.
    pub fn commit_timeout(self, limit: Duration) -> Self {
        self.with(|shared| shared.commit_timeout = limit)
    }

    /// A handle to the fills of this layer, to await or end them.
    #[must_use]
    pub fn fills(&self) -> Tasks {
        self.shared.table.tasks.clone()
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(&mut self.shared);
        self
    }
}

impl<S: HasArea> Layer<S> for FillLayer {
    type Service = Fill<S>;

    fn layer(&self, source: S) -> Fill<S> {
        Fill {
            area: source.area(),
            source,
            shared: Arc::new(self.shared.clone()),
        }
    }
}

impl<S> Layer<S> for FillLayer<Area> {
    type Service = Fill<S>;

    fn layer(&self, source: S) -> Fill<S> {
        Fill {
            source,
            area: self.area,
            shared: Arc::new(self.shared.clone()),
        }
    }
}

impl<A: fmt::Debug> fmt::Debug for FillLayer<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FillLayer")
            .field("storage", &self.shared.storage)
            .field("area", &self.area)
            .finish_non_exhaustive()
    }
}
