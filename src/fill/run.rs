//! One fill, from the place it waits for to the end it says.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tower::{BoxError, ServiceExt};

use super::admission::{Place, too_many};
use super::config::OnDisconnect;
use super::failure::Failure;
use super::judge::{failure, judge};
use super::kept::Kept;
use super::pace::Pace;
use super::service::{Source, SourceBody};
use super::shared::Shared;
use super::table::{Client, Entry, File, Stage, given_up};
use crate::observe;
use crate::span::in_current_span;
use crate::storage::{Key, StorageError};
use crate::target::{Resource, Target};
use crate::verify::Verifying;

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
    pub(super) entry: Arc<Entry>,
    pub(super) kept: Kept,
    /// Whether the storage has answered, so that it can take the file.
    pub(super) stores: bool,
    /// Keeps the fill wanted where it runs for the storage's sake.
    pub(super) itself: Option<Client>,
    /// For the request that has started the fill: a response that cannot be shared.
    pub(super) handover: Option<oneshot::Sender<(Response<SourceBody>, Place)>>,
}

/// Why a fill stopped before its file was whole.
#[derive(Debug)]
pub(super) enum Stop {
    Failed(Failure),
    /// Each client has to ask the source; this is for those that want a checked file.
    Unshared(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl Run {
    pub(super) async fn run(mut self) {
        let entry = Arc::clone(&self.entry);
        let filled = match select(pin!(self.fill()), pin!(entry.deserted())).await {
            Either::Left((filled, _)) => Some(filled),
            Either::Right(_) => None,
        };
        match filled {
            Some(Ok((key, file))) => self.store(key, file).await,
            Some(Err(Stop::Failed(failure))) => {
                observe::fill_failed(entry.key(), &failure, failure.is_not_found());
                entry.fail(failure);
            }
            Some(Err(Stop::Unshared(failure))) => {
                observe::fill_unshared(entry.key());
                entry.refuse(Stage::Unshared(failure));
            }
            None => {
                observe::fill_abandoned(entry.key());
                entry.fail(given_up());
            }
        }
    }

    /// Returns once all bytes are there and are right, with the key under which they are to be stored.
    async fn fill(&mut self) -> Result<(Key, File), Stop> {
        let place = self.place().await?;
        if self.shared.on_disconnect == OnDisconnect::Finish && self.stores {
            self.itself = Some(self.entry.client());
        }
        let mut pace = Pace::new(&self.shared);
        let request = std::mem::take(&mut self.request);
        let response = pace.wait(self.source.clone().oneshot(request)).await?;
        let response = response.map_err(|error| self.failed("the source failed", &error))?;
        pace.begin();
        let status = response.status();
        if !status.is_success() {
            return Err(failure(&self.target, response, &mut pace).await?.into());
        }
        let exact = response.body().size_hint().exact();
        let mut file = match judge(&response, exact, &self.target, &self.shared) {
            Ok(file) => file,
            Err(stop) => return Err(self.hand_over(response, place, stop)),
        };
        file.stores &= self.stores;
        if !file.stores {
            self.itself = None;
        }
        let key = match file.private && self.entry.key().is_plain() {
            true => self.entry.key().to_private(),
            false => self.entry.key().clone(),
        };
        let is_large = self.is_zip() && file.len.is_none_or(|len| len > MEMORY);
        if is_large && let Err(error) = self.kept.open(&key, file.len, file.stores).await {
            observe::storage_failed(&error);
            let text = "the file cannot be stored, so it cannot be checked first";
            let no_room = Failure::new(StatusCode::SERVICE_UNAVAILABLE, text);
            return Err(self.hand_over(response, place, Stop::Unshared(no_room)));
        }
        let mut checks = self.shared.start_checks(&self.target);
        file.len = Some(
            self.copy(response, &mut file, &mut checks, &mut pace)
                .await?,
        );
        self.check(checks).await?;
        drop(place);
        Ok((key, file))
    }

    /// Waits for a place at the source, in front of all fills that no client waits for if one waits for this. Each client
    /// that comes to a fill without one, and each that leaves it alone, begins its wait anew.
    async fn place(&mut self) -> Result<Place, Stop> {
        let itself = usize::from(self.itself.is_some());
        let max_wait = self.shared.max_wait;
        let lane = self.shared.lane(self.target.resource());
        let mut clients = self.entry.running().clients();
        loop {
            let is_awaited = *clients.borrow_and_update() > itself;
            let changes = pin!(clients.wait_for(|clients| (*clients > itself) != is_awaited));
            let place = pin!(timeout(max_wait, lane.place(is_awaited)));
            if let Either::Left((place, _)) = select(place, changes).await {
                return place.ok().flatten().ok_or_else(|| {
                    observe::refused(&self.target);
                    too_many(max_wait).into()
                });
            }
        }
    }

    /// Each piece goes to the readers, to the checks, and in batches to the storage.
    async fn copy(
        &mut self,
        response: Response<SourceBody>,
        file: &mut File,
        checks: &mut [Box<dyn Verifying>],
        pace: &mut Pace,
    ) -> Result<u64, Stop> {
        let mut body = response.into_body();
        let (is_zip, len) = (self.is_zip(), file.len);
        let max = self.shared.max_size(self.target.resource());
        let promised = File {
            stores: file.stores && len.is_some(),
            ..*file
        };
        let (mut copied, mut unwritten) = (0, 0);
        while len != Some(copied) {
            if is_zip && len.unwrap_or(copied) > HELD_BACK {
                self.entry.running().reach(Stage::Streaming(promised));
            }
            let Some(frame) = pace.wait(body.frame()).await? else {
                break;
            };
            let frame = frame.map_err(|error| self.failed("the source broke off", &error))?;
            let Ok(bytes) = frame.into_data() else {
                continue;
            };
            if bytes.is_empty() {
                continue;
            }
            pace.got(bytes.len());
            copied += bytes.len() as u64;
            unwritten += bytes.len() as u64;
            if len.is_some_and(|len| copied > len) {
                return Err(bad("the source sent more than it had declared"));
            }
            if copied > max {
                self.outgrow(file, copied, max)?;
            }
            checks.iter_mut().for_each(|one| one.update(&bytes));
            let visible = match len {
                // What is small is checked before anybody sees it.
                _ if !is_zip => 0,
                Some(len) => copied.min(len.saturating_sub(HELD_BACK)),
                None => copied.saturating_sub(HELD_BACK_AT_LEAST),
            };
            self.entry.running().spool.push(bytes, visible);
            if unwritten > BATCH && self.kept.is_open() {
                let written = self.kept.write(self.entry.key()).await;
                written.map_err(|error| cannot_keep(&error))?;
                unwritten = 0;
            }
        }
        match len {
            Some(len) if copied < len => Err(bad("the source sent less than it had declared")),
            _ => Ok(copied),
        }
    }

    /// A file without a declared length has become too large to be stored. Clients that read it already get the rest, within
    /// a bound; the fill runs for nobody else.
    fn outgrow(&mut self, file: &mut File, copied: u64, max: u64) -> Result<(), Stop> {
        let too_large = Failure::bad_gateway("the source's file is too large");
        if !self.is_zip() || copied / 4 > max {
            return Err(too_large.into());
        }
        if file.stores || self.itself.is_some() {
            file.stores = false;
            self.entry.refuse(Stage::Outgrown(*file, too_large));
            self.itself = None;
        }
        Ok(())
    }

    /// The file is right: shows it to the end, and stores it.
    async fn store(self, key: Key, file: File) {
        let running = self.entry.running();
        running.spool.end(Ok(()));
        running.reach(Stage::Checked(file));
        let (entry, bytes) = (Arc::clone(&self.entry), file.len.unwrap_or_default());
        let stored = match file.stores {
            true => self.commit(key, file).await,
            false => Ok(()),
        };
        let stores = file.stores && stored.is_ok();
        if let Err(error) = stored {
            observe::storage_failed(&error);
        }
        observe::fill_ended(entry.key(), bytes, stores);
        if stores {
            entry.stored();
        }
        entry
            .running()
            .reach(Stage::Settled(File { stores, ..file }));
    }

    /// Clients wait for it no longer than they must. The entry stays until it has really ended, so that a storage that is
    /// slow is not given the same file again.
    async fn commit(self, key: Key, file: File) -> Result<(), StorageError> {
        let (shared, entry) = (self.shared, self.entry);
        let failed = |step, error: BoxError| StorageError::new(step, entry.key(), error);
        let waiting = Arc::clone(&shared.waiting_commits).try_acquire_owned();
        let waiting = waiting.map_err(|full| failed("take", full.into()))?;
        let places = Arc::clone(&shared.commits);
        let mut commit = tokio::spawn(in_current_span(async move {
            let _place = (waiting, places.acquire_owned().await);
            self.kept.commit(key).await
        }));
        let limit = shared.commit_timeout;
        let mut done = timeout(limit, &mut commit).await;
        if let Err(elapsed) = done {
            observe::storage_failed(&failed("commit in time", elapsed.into()));
            let stores = false;
            entry
                .running()
                .reach(Stage::Settled(File { stores, ..file }));
            done = timeout(limit * PATIENCE, &mut commit).await;
        }
        match done {
            Ok(committed) => committed.unwrap_or_else(|died| Err(failed("commit", died.into()))),
            Err(elapsed) => {
                commit.abort();
                Err(failed("commit", elapsed.into()))
            }
        }
    }

    fn is_zip(&self) -> bool {
        self.target.resource() == Resource::Zip
    }

    fn hand_over(&mut self, response: Response<SourceBody>, place: Place, stop: Stop) -> Stop {
        if let (Stop::Unshared(_), Some(handover)) = (&stop, self.handover.take()) {
            // The one who has started the fill may have left.
            let _ = handover.send((response, place));
        }
        stop
    }

    /// The error itself may name hosts and paths that are no business of a client.
    fn failed(&self, what: &'static str, error: &BoxError) -> Stop {
        observe::source_failed(&self.target, what, error);
        bad(what)
    }
}

/// How many times longer than clients a fill waits for a storage that is slow to take its file, before it gives it up.
const PATIENCE: u32 = 10;

pub(super) fn bad(reason: &str) -> Stop {
    Failure::bad_gateway(reason).into()
}

pub(super) fn cannot_keep(error: &StorageError) -> Stop {
    observe::storage_failed(error);
    let text = "the file cannot be kept while it is fetched";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, text).into()
}
