//! One fill, from the slot it waits for to the end it says.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use http::response::Parts;
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use tokio::time::timeout;
use tower::{BoxError, ServiceExt};

use super::admission::Slot;
use super::config::OnDisconnect;
use super::failure::Failure;
use super::judge::{judge, source_failed, succeeded};
use super::pace::Pace;
use super::service::{Source, SourceBody};
use super::shared::Shared;
use super::table::{Client, Entry, File, Stage};
use crate::lock::lock;
use crate::observe::{self, NoFile};
use crate::source::Unattended;
use crate::storage::{Key, Sink, StorageError};
use crate::target::{Resource, Target};
use crate::verify::{Checks, Refusal, WholeFile};

/// How large a zip may be that stays in memory.
const MEMORY: u64 = 256 * 1024;

/// More than this goes into the file at once.
const BATCH: u64 = 64 * 1024;

/// How much of a zip of a known length is held back until it has been checked. More than the directory at the end of a
/// small zip, so that what is missing is no detail.
const HELD_BACK: u64 = 64 * 1024;

/// The same where the length is not known, so that nobody has all of it: more than the record that ends a zip, and too
/// little to be waited for.
const HELD_BACK_AT_LEAST: u64 = 64;

/// What a fill needs, all of it its own: it outlives the request that has started it.
pub(super) struct Run {
    pub(super) source: Source,
    pub(super) request: Request<Empty<Bytes>>,
    pub(super) target: Target<'static>,
    pub(super) shared: Arc<Shared>,
    /// For a file that is too large for memory. Gone before the entry, which counts the fill until nothing of it is left.
    pub(super) sink: Option<Sink>,
    pub(super) entry: Arc<Entry>,
    /// Whether the storage has answered, so that it can take the file.
    pub(super) stores: bool,
    /// Of a zip, once it is checked.
    pub(super) dirhash: Option<String>,
    /// Keeps the fill wanted where it runs for the storage's sake.
    pub(super) itself: Option<Client>,
}

impl Run {
    pub(super) async fn run(mut self) {
        let entry = Arc::clone(&self.entry);
        let slow = entry.slow(self.shared.min_rate);
        let fill = caught(self.fill());
        let filled = match select(pin!(fill), select(pin!(entry.deserted()), pin!(slow))).await {
            Either::Left((filled, _)) => filled,
            Either::Right(_) => Err(Failure::given_up()),
        };
        match filled {
            Ok((key, file)) => self.store(&key, file).await,
            Err(failure) => {
                observe::fill_failed(&entry.key.0, &failure, failure.how);
                entry.fail(failure);
            }
        }
        if let Some(sink) = self.sink {
            sink.abort().await;
        }
    }

    /// Returns once all bytes are there and are right, with the key under which they are to be stored.
    async fn fill(&mut self) -> Result<(Key, File), Failure> {
        let slot = self.slot().await?;
        if self.shared.on_disconnect == OnDisconnect::Finish && self.stores {
            self.itself = Some(Client::new(&self.entry.running));
        }
        let mut pace = Pace::new(&self.shared);
        let request = std::mem::take(&mut self.request);
        let response = pace.wait(self.source.clone().oneshot(request)).await?;
        let response =
            response.map_err(|error| source_failed(&self.target, "the source failed", &error))?;
        pace.begin();
        let (head, body) = succeeded(&self.target, response, &mut pace).await?;
        let prepared = self.prepare(&head, body.size_hint().exact()).await;
        if let Err(NoFile::Unshared) = prepared.as_ref().map_err(|failure| failure.how) {
            let response = Response::from_parts(head, body);
            *lock(&self.entry.running.handed) = Some((response, slot, pace));
            return prepared;
        }
        let (key, mut file) = prepared?;
        let checks = self.copy(body, &mut file, &mut pace).await?;
        let whole = self.whole().await?;
        let checked = checks.finish(whole, self.sink.is_some(), self.shared.commit_timeout);
        let dirhash = checked.await.map_err(refused)?;
        let is_zip = self.target.resource() == Resource::Zip;
        self.dirhash = dirhash.get().filter(|_| is_zip).map(str::to_owned);
        Ok((key, file))
    }

    /// Judges the response, and takes room for a file that is too large for memory.
    async fn prepare(&mut self, head: &Parts, exact: Option<u64>) -> Result<(Key, File), Failure> {
        let mut file = judge(head, exact, &self.target, &self.shared)?;
        file.stores &= self.stores;
        if !file.stores {
            self.itself = None;
        }
        let key = match file.private && self.entry.key.0.is_plain() {
            true => self.entry.key.0.to_private(),
            false => self.entry.key.0.clone(),
        };
        let is_zip = self.target.resource() == Resource::Zip;
        if is_zip && file.len.is_none_or(|len| len > MEMORY) {
            let stores = file.stores.then(|| Arc::clone(&self.entry.counted));
            let sink = self.shared.storage.sink(&key, file.len, stores);
            self.sink = Some(sink.await.map_err(|error| {
                observe::storage_failed(&error);
                no_room()
            })?);
        }
        Ok((key, file))
    }

    /// Waits for a slot at the source, in front of all fills that no client waits for if one waits for this. Each client
    /// that comes to a fill without one, and each that leaves it alone, begins its wait anew.
    async fn slot(&mut self) -> Result<Slot, Failure> {
        let is_unattended = self.request.extensions().get::<Unattended>().is_some();
        let itself = usize::from(self.itself.is_some()) + usize::from(is_unattended);
        let max_wait = self.shared.max_wait;
        let lane = self.shared.lane(self.target.resource());
        let mut clients = self.entry.running.clients.subscribe();
        loop {
            let is_awaited = *clients.borrow_and_update() > itself;
            let changes = pin!(clients.wait_for(|clients| (*clients > itself) != is_awaited));
            let slot = pin!(lane.slot(&self.target, max_wait, is_awaited));
            if let Either::Left((slot, _)) = select(slot, changes).await {
                return slot;
            }
        }
    }

    /// Each piece goes to the readers, to the checks, and in batches to the storage.
    async fn copy(
        &mut self,
        mut body: SourceBody,
        file: &mut File,
        pace: &mut Pace,
    ) -> Result<Checks, Failure> {
        let mut checks = self.shared.verify.start(&self.target);
        let is_suspect = self.shared.verify.is_suspect(&self.target);
        let (is_zip, len) = (self.target.resource() == Resource::Zip, file.len);
        let max = self.shared.max_size(self.target.resource());
        let promised = self.promised(*file);
        let entry = Arc::clone(&self.entry);
        let (mut copied, mut begun) = (0, 0);
        while len != Some(copied) {
            if is_zip && !is_suspect && len.unwrap_or(copied) > HELD_BACK {
                entry.running.reach(Stage::Streaming(promised));
            }
            let Some(frame) = pace.wait(body.frame()).await? else {
                break;
            };
            let frame = frame
                .map_err(|error| source_failed(&self.target, "the source broke off", &error))?;
            let bytes = frame.into_data().unwrap_or_default();
            if bytes.is_empty() {
                continue;
            }
            pace.got(bytes.len());
            copied += bytes.len() as u64;
            if len.is_some_and(|len| copied > len) {
                let text = "the source sent more than it had declared";
                return Err(Failure::bad_gateway(text));
            }
            if copied > max {
                // No length was declared. Who reads already gets the rest, within a bound, and nobody else needs it.
                if !is_zip || self.shared.waits() || copied / 4 > max {
                    return Err(Failure::bad_gateway("the source's file is too large"));
                }
                file.stores = false;
                self.itself = None;
            }
            checks.update(&bytes);
            let visible = match len {
                // What is small is checked before anybody sees it.
                _ if !is_zip => 0,
                Some(len) => copied.min(len.saturating_sub(HELD_BACK)),
                None => copied.saturating_sub(HELD_BACK_AT_LEAST),
            };
            entry.running.spool.push(bytes, visible);
            if copied - begun > BATCH {
                self.write(begun).await?;
                begun = copied;
            }
        }
        if len.is_some_and(|len| copied < len) {
            let text = "the source sent less than it had declared";
            return Err(Failure::bad_gateway(text));
        }
        self.write(begun).await?;
        file.len = Some(copied);
        Ok(checks)
    }

    /// What clients are told of the file before the storage has it. One without a sink will be stored as the last file was.
    fn promised(&self, file: File) -> File {
        let is_taken = self.sink.is_some() || self.shared.takes_files.load(Ordering::Relaxed);
        let stores = file.stores && file.len.is_some() && is_taken;
        File { stores, ..file }
    }

    /// Begins to write all bytes from here on, once those before are written.
    async fn write(&mut self, from: u64) -> Result<(), Failure> {
        let spool = &self.entry.running.spool;
        if let Some(sink) = &mut self.sink {
            let written = sink.write(spool.pieces(from)).await;
            let written = written.map_err(|error| cannot_keep(&error))?;
            spool.moved_to_file(&sink.file, written);
        }
        Ok(())
    }

    /// The file, once all of it can be read back.
    async fn whole(&mut self) -> Result<WholeFile, Failure> {
        let spool = &self.entry.running.spool;
        let Some(sink) = &mut self.sink else {
            return Ok(spool.pieces(0).into_iter().collect());
        };
        let len = sink.flush().await.map_err(|error| cannot_keep(&error))?;
        spool.moved_to_file(&sink.file, len);
        Ok(sink.file.to_whole(len))
    }

    /// The file is right: shows it to the end, and stores it.
    async fn store(&mut self, key: &Key, file: File) {
        let entry = Arc::clone(&self.entry);
        // In this order: who has all bytes finds the file there.
        let mut stores = file.stores;
        entry.running.reach(Stage::Checked(self.promised(file)));
        entry.running.spool.end(Ok(()));
        if file.stores {
            let stored = self.commit(key, file).await;
            stores = stored.is_ok();
            self.shared.takes_files.store(stores, Ordering::Relaxed);
            if let Err(error) = stored {
                observe::storage_failed(&error);
            }
        }
        observe::fill_ended(&entry.key.0, file.len.unwrap_or_default(), stores);
        if stores {
            entry.stored();
        }
        entry.running.reach(Stage::Settled(File { stores, ..file }));
    }

    /// Clients wait for it no longer than they must. The entry stays until it has ended, so that a storage that is slow is
    /// not given the same file again.
    async fn commit(&mut self, key: &Key, file: File) -> Result<(), StorageError> {
        let (shared, entry) = (&self.shared, &self.entry);
        let failed = |step, error: BoxError| StorageError::new(step, key, error);
        let slot = shared.commits.try_acquire();
        let _slot = slot.map_err(|full| failed("take", full.into()))?;
        let sink = self.sink.take();
        let commit = async {
            let is_stored = match sink {
                Some(sink) => sink.commit().await?,
                None => {
                    let pieces = entry.running.spool.pieces(0);
                    shared.storage.put(key, pieces).await?
                }
            };
            if let Some(dirhash) = self.dirhash.take().filter(|_| is_stored) {
                shared.storage.put_zip_hash(key, dirhash).await;
            }
            shared.storage.keep_removed(key).await
        };
        let mut commit = pin!(commit);
        let elapsed = match timeout(shared.commit_timeout, &mut commit).await {
            Ok(committed) => return committed,
            Err(elapsed) => elapsed,
        };
        observe::storage_failed(&failed("commit in time", elapsed.into()));
        let settled = Stage::Settled(File {
            stores: false,
            ..file
        });
        entry.running.reach(settled);
        commit.await
    }
}

/// The source and the checks are somebody else's code: their panic is a failure of one file.
pub(super) async fn caught<T>(run: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let done = AssertUnwindSafe(run).catch_unwind().await;
    done.unwrap_or_else(|_| Err(Failure::bad_gateway("the source or a check panicked")))
}

fn cannot_keep(error: &StorageError) -> Failure {
    observe::storage_failed(error);
    let text = "the file cannot be kept while it is fetched";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, text)
}

pub(super) fn refused(Refusal(reason): Refusal) -> Failure {
    Failure::bad_gateway(&reason)
}

/// For a zip when the storage does not take it, and for a client that wants it checked.
pub(super) fn no_room() -> Failure {
    let text = "the file cannot be stored, so it cannot be checked first";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, text).with(NoFile::Unshared)
}
