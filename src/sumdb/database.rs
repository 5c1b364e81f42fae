//! Asks one checksum database, and believes only what its key proves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use quick_cache::sync::Cache;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::fault::Fault;
use super::flights::Flights;
use super::hash;
use super::http::{By, Http};
use super::key::Key;
use super::record::{Record, Signed};
use super::records::Records;
use super::tile::Part;
use super::tree::Tree;
use crate::lock::lock;
use crate::observe;
use crate::storage::StorageError;

const MAX_LOOKUP: usize = 1024 * 1024;
/// A database may have to fetch the module first.
const LOOKUP_LIMIT: Duration = Duration::from_secs(60);
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// How long it is remembered that the database does not know a module: it may be new.
const MISSING: Duration = Duration::from_secs(60);
const MAX_MISSING: usize = 4096;

pub(super) struct Database {
    pub(super) key: Key,
    pub(super) http: Arc<Http>,
    pub(super) records: Records,
    /// The largest tree that was seen. `None` before the first.
    head: Mutex<Option<Signed>>,
    loaded: OnceCell<()>,
    look_ups: Flights<Arc<Record>>,
    pub(super) requests: Flights<Bytes>,
    missing: Cache<String, (Instant, Fault)>,
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
        }
    }

    /// The record of a module at a version, `{escaped path}@{escaped version}`, which belongs to the tree.
    ///
    /// # Cancel safety
    ///
    /// The look-up goes on for others.
    pub(super) async fn look_up(
        self: &Arc<Self>,
        name: &str,
        by: By,
    ) -> Result<Arc<Record>, Fault> {
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
            found.map(Arc::new)
        });
        flight.await
    }

    async fn look_up_now(&self, name: &str, by: By) -> Result<Record, Fault> {
        let path = format!("lookup/{name}");
        if let Some(body) = self.stored(&path).await {
            match self.authenticate(body, by).await {
                Err(Fault::Lies(_)) => {}
                found => return found,
            }
        }
        let body = self.http.get(&path, MAX_LOOKUP, LOOKUP_LIMIT, by).await?;
        let record = self.authenticate(body, by).await?;
        self.store(&path, record.body.clone()).await;
        Ok(record)
    }

    async fn authenticate(&self, body: Bytes, by: By) -> Result<Record, Fault> {
        let record = Record::parse(body, &self.key);
        let record = record.ok_or(Fault::Lies("a look-up is malformed or not signed"))?;
        let tree = self.merge(&record.signed, by).await?;
        let part = Part {
            level: 0,
            index: record.id,
        };
        let (proven, new) = self.prove(&tree, &[part], by).await?;
        self.keep(new).await;
        match proven.hash(&part, tree.size) {
            Ok(leaf) if leaf == hash::leaf(record.text.as_bytes()) => Ok(record),
            _ => Err(Fault::Lies("a record is not the one of the tree")),
        }
    }

    /// Takes the tree as the head if it is larger. Returns the head, which has all that the tree has.
    async fn merge(&self, signed: &Signed, by: By) -> Result<Tree, Fault> {
        self.load().await?;
        loop {
            let head = lock(&self.head).clone();
            let old = head.as_ref().map_or(0, |head| head.tree.size);
            if let Some(head) = &head {
                self.compare(&head.tree, &signed.tree, by).await?;
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
    async fn compare(&self, a: &Tree, b: &Tree, by: By) -> Result<(), Fault> {
        let (small, large) = if a.size < b.size { (a, b) } else { (b, a) };
        let is_same = match small.size {
            0 => true,
            size if size == large.size => small.hash == large.hash,
            size => {
                let parts = Part::all(size);
                let (proven, new) = self.prove(large, &parts, by).await?;
                let is_same = proven.tree_hash(&parts, large.size) == Ok(small.hash);
                if is_same {
                    self.keep(new).await;
                }
                is_same
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

    /// The database's newest tree.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, the head is the old one or the new one.
    pub(super) async fn latest(&self) -> Result<Signed, Fault> {
        let by = By::Client;
        let note = self.request("latest".to_owned(), MAX_LOOKUP, by).await?;
        let signed = Signed::open(&note, &self.key).ok_or(Fault::Lies("its tree is not signed"))?;
        self.merge(&signed, by).await?;
        Ok(signed)
    }

    /// Whether clients can be answered. Only a proxy in front of the database that says itself that it does not know it sends
    /// them on to the database, which then learns all names.
    ///
    /// # Cancel safety
    ///
    /// Asks only.
    pub(super) async fn supported(&self) -> Result<(), Fault> {
        if !self.key.is_behind_proxy() || self.head().await.is_some() {
            return Ok(());
        }
        let supported = self.request("supported".to_owned(), MAX_LOOKUP, By::Client);
        match supported.await {
            Err(Fault::Missing(..)) => Err(missing("not supported by the upstream")),
            _ => Ok(()),
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

pub(super) fn missing(text: &'static str) -> Fault {
    Fault::Missing(StatusCode::NOT_FOUND, text.into())
}
