use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;

use super::common::Common;
use super::config::{Config, OnDisconnect, OnMiss};
use super::fills::Fills;
use super::hot::Hot;
use super::service::Fill;
use crate::storage::Storage;

/// Wraps a source in a [`Storage`]. See the [module docs](super).
///
/// Every service that one layer makes shares its running fills, so it may be given to
/// `axum::Router::layer`, which asks it for one service per route.
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
#[derive(Clone, Debug)]
#[must_use = "a layer does nothing until it wraps a service"]
pub struct FillLayer {
    common: Common,
}

impl FillLayer {
    /// A layer that looks into this storage first and fills it on a miss.
    pub fn new(storage: Storage) -> Self {
        Self {
            common: Common::new(storage),
        }
    }

    /// What a client gets on a miss. Default: [`OnMiss::Stream`].
    pub fn on_miss(self, on_miss: OnMiss) -> Self {
        self.configure(|config| config.on_miss = on_miss)
    }

    /// What becomes of a fill whose clients have all left. Default: [`OnDisconnect::Finish`].
    pub fn on_disconnect(self, on_disconnect: OnDisconnect) -> Self {
        self.configure(|config| config.on_disconnect = on_disconnect)
    }

    /// The files are for everyone, whoever had them made: an [`Access`](crate::Access) in the extensions of a request makes
    /// no difference to this layer. Without this, requests for different owners share neither files nor fills.
    ///
    /// For a source that does not look at the `Access`, such as `Upstream`, whose files would else be stored once per
    /// owner; and for one that does, where every owner may read everything. In that case a fill runs with the credentials
    /// of whoever came first, and if the source refuses those, all who wait for this fill are refused.
    ///
    /// ```
    /// # use tower_goproxy::Storage;
    /// # use tower_goproxy::fill::FillLayer;
    /// let storage = Storage::memory();
    /// let public = FillLayer::new(storage.clone()).shared();
    /// let private = FillLayer::new(storage);
    /// ```
    pub fn shared(self) -> Self {
        self.configure(|config| config.shared = true)
    }

    /// How many fills may run at once, over all services of this layer. Default: 64.
    ///
    /// Each holds a connection of the source, a quarter to half a MiB of memory ([what it costs](crate::fill#what-it-costs)), and
    /// the file on disk; into an object store it uploads parts of 5 MiB, one of which is in memory. Hits and clients
    /// that attach to a running fill need no place. Another 1,024 fills may
    /// wait for one; a miss beyond them is refused at once.
    ///
    /// From here on this layer has running fills of its own, which it does not share with earlier clones.
    pub fn max_fills(mut self, fills: usize) -> Self {
        self.common.flights = Arc::new(self.common.flights.with_places(fills));
        self
    }

    /// How long a miss may wait for a place when all are taken; after that its clients get 503
    /// with `Retry-After`. Default: 30 seconds.
    pub fn max_wait(self, wait: Duration) -> Self {
        self.configure(|config| config.max_wait = wait)
    }

    /// The largest `.zip` that is stored, in bytes. A larger one passes through.
    /// Default: 500 MiB, which is the most that the go command takes.
    pub fn max_zip_size(self, bytes: u64) -> Self {
        self.configure(|config| config.max_zip = bytes)
    }

    /// The largest `.mod` that is stored, in bytes. A larger one passes through.
    /// Default: 16 MiB, which is the most that the go command takes inside a zip.
    pub fn max_mod_size(self, bytes: u64) -> Self {
        self.configure(|config| config.max_mod = bytes)
    }

    /// The largest `.info` that is stored, in bytes. A larger one passes through.
    /// Default: 1 MiB.
    pub fn max_info_size(self, bytes: u64) -> Self {
        self.configure(|config| config.max_info = bytes)
    }

    /// How many bytes of memory the small stored files may take that are asked for most: those of up to
    /// 128 KiB, which are nearly all `.info` and `.mod` and many a `.zip`. 0 turns this off.
    /// Default: 32 MiB.
    ///
    /// A file that is removed from the storage behind the proxy's back may be answered for another minute.
    ///
    /// From here on this layer has a memory of its own, which it does not share with earlier clones.
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.common.hot = Arc::new(Hot::with_capacity(bytes));
        self
    }

    /// How long the source may be silent: before the head of its answer, and between two parts of a
    /// file that is filled. After that the fill has failed, and a client that has no head yet gets 504.
    /// Default: 5 minutes. An `Upstream` has shorter limits of its own.
    pub fn source_timeout(self, limit: Duration) -> Self {
        self.configure(|config| config.source_timeout = limit)
    }

    /// How long the storage may take to look a file up, to give the next bytes of it, or to take a
    /// piece of a staged one. A file that cannot be looked up is answered from the source, as if
    /// there were no storage; one that stalls in the middle breaks.
    /// Default: 10 seconds.
    pub fn storage_timeout(self, limit: Duration) -> Self {
        self.configure(|config| config.storage_timeout = limit)
    }

    /// How long the storage may take to publish a whole file, which for a store far away is
    /// mostly the rest of the upload. Clients do not wait for it, except with [`OnMiss::Wait`].
    /// Default: 5 minutes.
    pub fn commit_timeout(self, limit: Duration) -> Self {
        self.configure(|config| config.commit_timeout = limit)
    }

    /// A handle on the fills of this layer, to await them.
    #[must_use]
    pub fn fills(&self) -> Fills {
        self.common.flights.fills()
    }

    fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.common.config));
        self
    }
}

impl<S> Layer<S> for FillLayer {
    type Service = Fill<S>;

    fn layer(&self, source: S) -> Fill<S> {
        Fill::new(source, Arc::new(self.common.clone()))
    }
}
