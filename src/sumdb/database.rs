//! Asks one checksum database, and believes only what its key proves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::StatusCode;
use quick_cache::sync::Cache;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::fault::Fault;
use super::flights::{Flights, lock};
use super::hash;
use super::http::Http;
use super::key::Key;
use super::record::{Record, Signed};
use super::tile::{FULL, HEIGHT, Part, Tile};
use super::tree::{Plan, Proven, Tree};
use crate::observe;
use crate::storage::Storage;

const MAX_LOOKUP: usize = 1024 * 1024;
/// A database may have to fetch the module first.
const LOOKUP_LIMIT: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(10);

/// How long it is remembered that the database does not know a module: it may be new.
const MISSING: Duration = Duration::from_secs(60);
const MAX_MISSING: usize = 4096;

pub(super) struct Database {
    pub(super) key: Key,
    pub(super) http: Arc<Http>,
    pub(super) storage: Storage,
    /// The largest tree that was seen. `None` before the first.
    head: Mutex<Option<Signed>>,
    loaded: OnceCell<()>,
    look_ups: Flights<Arc<LookedUp>>,
    tiles: Flights<Bytes>,
    missing: Cache<String, (Instant, Fault)>,
}

/// A record that belongs to the tree, and the response with it.
pub(super) struct LookedUp {
    pub(super) record: Record,
    pub(super) body: Bytes,
}

impl Database {
    pub(super) fn new(key: Key, http: Arc<Http>, storage: Storage) -> Self {
        Self {
            key,
            http,
            storage,
            head: Mutex::new(None),
            loaded: OnceCell::new(),
            look_ups: Flights::new(),
            tiles: Flights::new(),
            missing: Cache::new(MAX_MISSING),
        }
    }

    /// A module at a version, as `{escaped path}@{escaped version}`.
    ///
    /// # Cancel safety
    ///
    /// Waits only: the look-up goes on.
    pub(super) async fn look_up(self: &Arc<Self>, name: &str) -> Result<Arc<LookedUp>, Fault> {
        if let Some((since, fault)) = self.missing.get(name)
            && since.elapsed() < MISSING
        {
            return Err(fault);
        }
        let (database, file) = (Arc::clone(self), name.to_owned());
        let flight = self.look_ups.join(name, async move {
            let found = database.look_up_now(&file).await;
            match &found {
                Err(fault @ Fault::Missing(..)) => {
                    database
                        .missing
                        .insert(file, (Instant::now(), fault.clone()));
                }
                Err(fault @ Fault::Lies(_)) => {
                    observe::sumdb_lies(&database.key.name(), &file, fault)
                }
                _ => {}
            }
            found
        });
        flight.await
    }

    async fn look_up_now(&self, name: &str) -> Result<Arc<LookedUp>, Fault> {
        let path = format!("lookup/{name}");
        if let Some(body) = self.stored(&path).await {
            match self.authenticate(&body).await {
                Ok(record) => return Ok(Arc::new(LookedUp { record, body })),
                Err(Fault::Lies(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        let body = self.http.get(&path, MAX_LOOKUP, LOOKUP_LIMIT).await?;
        let record = self.authenticate(&body).await?;
        self.store(&path, body.clone()).await;
        Ok(Arc::new(LookedUp { record, body }))
    }

    async fn authenticate(&self, body: &[u8]) -> Result<Record, Fault> {
        let record = Record::parse(body, &self.key);
        let record = record.ok_or(Fault::Lies("a look-up is malformed or not signed"))?;
        let tree = self.merge(&record.signed).await?;
        let part = Part {
            level: 0,
            index: record.id,
        };
        if record.id >= tree.size {
            return Err(Fault::Lies("a record is not in its tree"));
        }
        let proven = self.prove(&tree, &[part]).await?;
        match proven.hash(&part, tree.size) {
            Ok(leaf) if leaf == hash::leaf(record.text.as_bytes()) => Ok(record),
            _ => Err(Fault::Lies("a record is not the one of the tree")),
        }
    }

    /// Takes the tree as the head if it is larger. Returns the head, which has all that the tree has.
    async fn merge(&self, signed: &Signed) -> Result<Tree, Fault> {
        self.load().await;
        loop {
            let head = lock(&self.head).clone();
            let old = head.as_ref().map_or(0, |head| head.tree.size);
            if let Some(head) = &head {
                self.compare(&head.tree, &signed.tree).await?;
                if signed.tree.size <= old {
                    return Ok(head.tree.clone());
                }
            }
            {
                let mut head = lock(&self.head);
                if head.as_ref().map_or(0, |head| head.tree.size) != old {
                    // Another one has come meanwhile.
                    continue;
                }
                *head = Some(signed.clone());
            }
            self.store("latest", signed.note.clone().into()).await;
            return Ok(signed.tree.clone());
        }
    }

    /// Two trees of one history: the smaller one is the beginning of the larger one.
    async fn compare(&self, a: &Tree, b: &Tree) -> Result<(), Fault> {
        let (small, large) = if a.size < b.size { (a, b) } else { (b, a) };
        let is_same = match small.size {
            0 => true,
            size if size == large.size => small.hash == large.hash,
            size => {
                let parts = Part::all(size);
                let proven = self.prove(large, &parts).await?;
                proven.tree_hash(&parts, large.size) == Ok(small.hash)
            }
        };
        match is_same {
            true => Ok(()),
            false => {
                observe::sumdb_forked(&self.key.name(), a.size, b.size);
                Err(Fault::Lies("it has signed two histories"))
            }
        }
    }

    /// Reads parts of a tree, from stored tiles where they are right.
    async fn prove(&self, tree: &Tree, parts: &[Part]) -> Result<Proven, Fault> {
        for uses_stored in [true, false] {
            let plan = Plan::new(tree, parts).ok_or(Fault::Lies("a record is not in its tree"))?;
            let tiles = plan.tiles().to_vec();
            let read = tiles.iter().map(|tile| self.read(tile, uses_stored));
            let read = try_join_all(read).await?;
            let bytes: Vec<Vec<u8>> = read.iter().map(|(bytes, _)| bytes.to_vec()).collect();
            if let Ok(proven) = plan.check(&bytes) {
                for (tile, (bytes, is_stored)) in tiles.iter().zip(read) {
                    if !is_stored {
                        self.store(&tile.to_string(), bytes).await;
                    }
                }
                return Ok(proven);
            }
            if !read.iter().any(|(_, is_stored)| *is_stored) {
                break;
            }
        }
        Err(Fault::Lies("a tile is not of its tree"))
    }

    /// The bytes of a tile, which nothing proves yet, and whether they were stored.
    async fn read(&self, tile: &Tile, uses_stored: bool) -> Result<(Bytes, bool), Fault> {
        if uses_stored {
            for path in [*tile, tile.full()] {
                if let Some(bytes) = self.stored(&path.to_string()).await
                    && bytes.len() >= tile.len()
                {
                    return Ok((bytes.slice(..tile.len()), true));
                }
            }
        }
        let get = async |tile: Tile| {
            match self.http.get(&tile.to_string(), tile.len(), LIMIT).await {
                Ok(bytes) if bytes.len() != tile.len() => {
                    Err(Fault::Lies("a tile has another length"))
                }
                // It says nothing about the module.
                Err(Fault::Missing(..)) => Err(Fault::Away(format!("it has no {tile}"))),
                answer => answer,
            }
        };
        // A part of a tile may go away once there is more of it.
        match get(*tile).await {
            Err(fault) if !tile.is_full() && !self.http.is_away() => {
                let bytes = get(tile.full()).await.map_err(|_| fault)?;
                Ok((bytes.slice(..tile.len()), false))
            }
            bytes => Ok((bytes?, false)),
        }
    }

    /// A tile that was proved when it came.
    ///
    /// # Cancel safety
    ///
    /// Waits only: the request goes on.
    pub(super) async fn tile(self: &Arc<Self>, tile: Tile) -> Result<Bytes, Fault> {
        for path in [tile, tile.full()] {
            if let Some(bytes) = self.stored(&path.to_string()).await
                && bytes.len() >= tile.len()
            {
                return Ok(bytes.slice(..tile.len()));
            }
        }
        let database = Arc::clone(self);
        let fetch = async move { database.fetch_tile(tile).await };
        self.tiles.join(&tile.to_string(), fetch).await
    }

    async fn fetch_tile(&self, tile: Tile) -> Result<Bytes, Fault> {
        let missing = || Fault::Missing(StatusCode::NOT_FOUND, "no such tile\n".into());
        let found = |size| Tile::of_tree(tile.level, tile.index, size);
        let has = |tree: &Tree| found(tree.size).is_some_and(|found| found.width >= tile.width);
        self.load().await;
        let head = lock(&self.head).clone().map(|head| head.tree);
        let tree = match head.filter(has) {
            Some(tree) => tree,
            None => self.latest().await?.tree,
        };
        let wide = found(tree.size).filter(|wide| wide.width >= tile.width);
        let wide = wide.ok_or_else(missing)?;
        let first = Part {
            level: tile.level * HEIGHT,
            index: tile.index * FULL,
        };
        let proven = self.prove(&tree, &[first]).await?;
        let bytes = proven.bytes(&wide).ok_or_else(missing)?;
        Ok(Bytes::from(bytes).slice(..tile.len()))
    }

    /// The database's newest tree.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the head is the old one or the new one.
    pub(super) async fn latest(&self) -> Result<Signed, Fault> {
        let note = self.http.get("latest", MAX_LOOKUP, LIMIT).await?;
        let signed = Signed::open(&note, &self.key).ok_or(Fault::Lies("its tree is not signed"))?;
        self.merge(&signed).await?;
        Ok(signed)
    }

    /// Whether clients can be answered: the database's own server always does, a proxy in front of it may not know it.
    ///
    /// # Cancel safety
    ///
    /// Asks only.
    pub(super) async fn supported(&self) -> Result<(), Fault> {
        if !self.key.is_behind_proxy() {
            return Ok(());
        }
        match self.http.get("supported", MAX_LOOKUP, LIMIT).await {
            Err(Fault::Away(_)) if self.head().await.is_some() => Ok(()),
            // Clients go on to the database itself.
            Err(_) => Err(Fault::Missing(
                StatusCode::NOT_FOUND,
                "not supported by the upstream".into(),
            )),
            Ok(_) => Ok(()),
        }
    }

    /// The newest tree that was seen.
    pub(super) async fn head(&self) -> Option<Signed> {
        self.load().await;
        lock(&self.head).clone()
    }

    /// Begins where the last process has ended.
    async fn load(&self) {
        let load = async {
            let note = self.stored("latest").await?;
            let signed = Signed::open(&note, &self.key)?;
            let mut head = lock(&self.head);
            let _ = head.get_or_insert(signed);
            Some(())
        };
        self.loaded.get_or_init(async || _ = load.await).await;
    }

    /// Of a storage that fails nothing is needed.
    pub(super) async fn stored(&self, path: &str) -> Option<Bytes> {
        let record = self.storage.record(&self.record(path)).await;
        record
            .inspect_err(|error| observe::storage_failed(error))
            .ok()?
    }

    pub(super) async fn store(&self, path: &str, content: Bytes) {
        let stored = self.storage.put_record(&self.record(path), content).await;
        if let Err(error) = stored {
            observe::storage_failed(&error);
        }
    }

    pub(super) fn record(&self, path: &str) -> String {
        format!("@records/sumdb/{}/{path}", self.key.name())
    }
}
