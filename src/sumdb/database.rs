//! Asks one checksum database, and believes only what its key proves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::StatusCode;
use quick_cache::sync::Cache;
use tokio::sync::{OnceCell, Semaphore};
use tokio::time::Instant;

use super::fault::Fault;
use super::flights::{Flights, lock};
use super::hash;
use super::http::Http;
use super::key::Key;
use super::record::{Record, Signed};
use super::records::Records;
use super::tile::{FULL, HEIGHT, Part, Tile};
use super::tree::{Plan, Proven, Tree};
use crate::observe;
use crate::storage::StorageError;

const MAX_LOOKUP: usize = 1024 * 1024;
/// A database may have to fetch the module first.
const LOOKUP_LIMIT: Duration = Duration::from_secs(60);
const LIMIT: Duration = Duration::from_secs(10);

/// How long it is remembered that the database does not know a module: it may be new.
const MISSING: Duration = Duration::from_secs(60);
const MAX_MISSING: usize = 4096;

/// How many look-ups run at once for clients: fewer than [requests](super::http).
const MAX_CLIENTS: usize = 16;

pub(super) struct Database {
    pub(super) key: Key,
    pub(super) http: Arc<Http>,
    pub(super) records: Records,
    /// The largest tree that was seen. `None` before the first.
    head: Mutex<Option<Signed>>,
    loaded: OnceCell<()>,
    look_ups: Flights<Arc<LookedUp>>,
    requests: Flights<Bytes>,
    missing: Cache<String, (Instant, Fault)>,
    /// For look-ups of clients.
    clients: Semaphore,
}

/// Who wants a look-up.
#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    /// A file that is verified.
    Check,
    /// Anybody, of any module. However many and slow these are, checks do not wait for them.
    Client,
}

/// A record that belongs to the tree, and the response with it.
pub(super) struct LookedUp {
    pub(super) record: Record,
    pub(super) body: Bytes,
}

impl Database {
    pub(super) fn new(key: Key, http: Arc<Http>, records: Records) -> Self {
        Self {
            key,
            http,
            records,
            head: Mutex::new(None),
            loaded: OnceCell::new(),
            look_ups: Flights::new(),
            requests: Flights::new(),
            missing: Cache::new(MAX_MISSING),
            clients: Semaphore::new(MAX_CLIENTS),
        }
    }

    /// A module at a version, as `{escaped path}@{escaped version}`.
    ///
    /// # Cancel safety
    ///
    /// The look-up goes on for others.
    pub(super) async fn look_up(
        self: &Arc<Self>,
        name: &str,
        by: By,
    ) -> Result<Arc<LookedUp>, Fault> {
        if let Some((since, fault)) = self.missing.get(name)
            && since.elapsed() < MISSING
        {
            return Err(fault);
        }
        let (database, file) = (Arc::clone(self), name.to_owned());
        let flight = self.look_ups.join(&format!("{by:?} {name}"), async move {
            let found = database.look_up_now(&file, by).await;
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

    async fn look_up_now(&self, name: &str, by: By) -> Result<Arc<LookedUp>, Fault> {
        let path = format!("lookup/{name}");
        if let Some(body) = self.stored(&path).await {
            match self.authenticate(&body).await {
                Ok(record) => return Ok(Arc::new(LookedUp { record, body })),
                Err(Fault::Lies(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        let place = async {
            match by {
                By::Check => None,
                By::Client => self.clients.acquire().await.ok(),
            }
        };
        let place = place.await;
        let body = self.http.get(&path, MAX_LOOKUP, LOOKUP_LIMIT).await?;
        drop(place);
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
        self.load().await?;
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
        if uses_stored && let Some(bytes) = self.stored_tile(tile).await {
            return Ok((bytes, true));
        }
        let get = async |tile: Tile| {
            match self.request(tile.to_string(), tile.len()).await {
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

    /// Also if more of it is stored.
    async fn stored_tile(&self, tile: &Tile) -> Option<Bytes> {
        for path in [*tile, tile.full()] {
            if let Some(bytes) = self.stored(&path.to_string()).await
                && bytes.len() >= tile.len()
            {
                return Some(bytes.slice(..tile.len()));
            }
        }
        None
    }

    /// What it answers, to one request for all who want it. Nothing proves it yet.
    async fn request(&self, path: String, max: usize) -> Result<Bytes, Fault> {
        let (http, key) = (Arc::clone(&self.http), path.clone());
        let get = async move { http.get(&path, max, LIMIT).await };
        self.requests.join(&key, get).await
    }

    /// A tile that was proved when it came.
    ///
    /// # Cancel safety
    ///
    /// The request goes on for others.
    pub(super) async fn tile(&self, tile: Tile) -> Result<Bytes, Fault> {
        if let Some(bytes) = self.stored_tile(&tile).await {
            return Ok(bytes);
        }
        let no_such_tile = || missing("no such tile");
        let found = |size| Tile::of_tree(tile.level, tile.index, size);
        let has = |tree: &Tree| found(tree.size).is_some_and(|found| found.width >= tile.width);
        self.load().await?;
        let head = lock(&self.head).clone().map(|head| head.tree);
        let tree = match head.filter(has) {
            Some(tree) => tree,
            None => self.latest().await?.tree,
        };
        let wide = found(tree.size).filter(|wide| wide.width >= tile.width);
        let wide = wide.ok_or_else(no_such_tile)?;
        let first = Part {
            level: tile.level * HEIGHT,
            index: tile.index * FULL,
        };
        let proven = self.prove(&tree, &[first]).await?;
        let bytes = proven.bytes(&wide).ok_or_else(no_such_tile)?;
        Ok(Bytes::from(bytes).slice(..tile.len()))
    }

    /// The database's newest tree.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the head is the old one or the new one.
    pub(super) async fn latest(&self) -> Result<Signed, Fault> {
        let note = self.request("latest".to_owned(), MAX_LOOKUP).await?;
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
            Ok(_) => Ok(()),
            Err(Fault::Away(_)) if self.head().await.is_some() => Ok(()),
            // Clients go on to the database itself.
            Err(_) => Err(missing("not supported by the upstream")),
        }
    }

    /// The newest tree that was seen.
    pub(super) async fn head(&self) -> Option<Signed> {
        self.load().await.ok()?;
        lock(&self.head).clone()
    }

    /// Begins where the last process has ended. One that does not know where that was cannot tell a fork.
    async fn load(&self) -> Result<(), Fault> {
        let load = async || {
            let note = self.records.get(&self.record("latest")).await?;
            let signed = note.and_then(|note| Signed::open(&note, &self.key));
            if let Some(signed) = signed {
                lock(&self.head).get_or_insert(signed);
            }
            Ok(())
        };
        let loaded = self.loaded.get_or_try_init(load).await;
        loaded.copied().map_err(|error: StorageError| {
            observe::storage_failed(&error);
            Fault::Away("the storage does not say which tree was the newest".to_owned())
        })
    }

    /// Of a storage that fails nothing is needed.
    pub(super) async fn stored(&self, path: &str) -> Option<Bytes> {
        observe::found(self.records.get(&self.record(path)).await)
    }

    pub(super) async fn store(&self, path: &str, content: Bytes) {
        observe::found(self.records.put(self.record(path), content).await);
    }

    pub(super) fn record(&self, path: &str) -> String {
        format!("@records/sumdb/{}/{path}", self.key.name())
    }
}

fn missing(text: &'static str) -> Fault {
    Fault::Missing(StatusCode::NOT_FOUND, text.into())
}
