//! One question to the source, for all who ask it, in a task of its own: a client that leaves ends it only before its turn has
//! come.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};
use http::{Extensions, StatusCode};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};

use super::absent;
use super::ask::{Heard, Inner, ask, busy, version_of};
use super::complete;
use super::flight::{Flight, Stage};
use super::list;
use super::memory::Kept;
use super::question::Question;
use super::records;
use super::said::Said;
use super::shared::Shared;
use super::show::Storeroom;
use super::shown::{Caching, Shown};
use crate::observe;
use crate::target::Resource;

/// A source that has failed is not asked for the same again before.
const PAUSE: Duration = Duration::from_secs(5);

pub(super) struct Refresh {
    pub(super) question: Question,
    pub(super) extensions: Extensions,
    pub(super) inner: Inner,
    pub(super) shared: Arc<Shared>,
    pub(super) flight: Flight,
}

/// What is known before the source is asked.
type Known = Option<Arc<Kept>>;

/// The right to ask the source.
type Slot = Option<OwnedSemaphorePermit>;

impl Refresh {
    pub(super) async fn run(self) {
        let shared = &self.shared;
        let known = match shared.memory.get(self.question.path()) {
            Some(kept) if kept.is_fresh(&self.question) => {
                return match kept.is_failure() {
                    // It is too early to ask, and something may have been stored meanwhile.
                    true => self.failed(kept.shown.clone(), None).await,
                    // The flight before this one has landed just now.
                    false => self.flight.reach(Stage::Answered(kept.shown.clone())),
                };
            }
            Some(kept) if kept.shown.status == StatusCode::OK => Some(kept),
            _ => self.recorded().await,
        };
        let is_stale_enough = known
            .as_ref()
            .is_some_and(|known| Instant::now() < known.stale_until);
        if is_stale_enough || shared.is_silent() {
            self.stand_in(known.as_ref()).await;
        }
        let begun = Instant::now();
        // So many answers are in memory that have not landed.
        let Some((heard, slot)) = self.hear_in_time(known.as_ref()).await else {
            return;
        };
        if !matches!(heard, Heard::Failed(_)) || begun.elapsed() < shared.patience {
            shared.set_silent(false);
        }
        match heard {
            Heard::Failed(failure) => self.failed(failure, known).await,
            Heard::ForOnce(said) => {
                let room = Storeroom::read(shared, &self.question, &said).await;
                let shown = room.shown(&self.question, &said, Caching::Never).await;
                self.flight.reach(Stage::Answered(shown));
            }
            Heard::Said(said) => self.answered(said, known, slot).await,
        }
    }

    /// A source without `@latest` leaves it to its list.
    async fn by_list(&self, said: Said) -> Said {
        let (shared, question) = (&self.shared, &self.question);
        let is_asked_for = question.target.resource() == Resource::Latest;
        if !is_asked_for || said.is_found() || said.status == StatusCode::FORBIDDEN {
            return said;
        }
        let list = match shared.memory.get(&question.beside(Resource::List)) {
            Some(kept) => kept.said.clone(),
            None => return said,
        };
        let room = Storeroom::all(shared, question).await;
        let listed = list::versions(&list.content).filter(|_| list.is_found());
        let Some(version) = list::latest(listed.chain(room.stored.latest())) else {
            return said;
        };
        let Ok(info) = question.target.with_version(&version) else {
            return said;
        };
        let info = question.other(info);
        match ask(self.inner.clone(), &info, &self.extensions, None, shared).await {
            Heard::Said(found) if found.is_found() => Said {
                validators: None,
                ..found
            },
            _ => said,
        }
    }

    /// Has clients wait no longer than they have to.
    async fn hear_in_time(&self, known: Option<&Arc<Kept>>) -> Option<(Heard, Slot)> {
        let mut heard = pin!(self.hear(known));
        match timeout(self.shared.patience, heard.as_mut()).await {
            Ok(heard) => heard,
            Err(_) => {
                self.shared.set_silent(true);
                self.stand_in(known).await;
                heard.await
            }
        }
    }

    /// Asks the source when it is this question's turn. `None`: nobody wants to know any more.
    async fn hear(&self, known: Option<&Arc<Kept>>) -> Option<(Heard, Slot)> {
        let slot = match self.slot().await? {
            Ok(slot) => slot,
            Err(refusal) => return Some((Heard::Failed(refusal), None)),
        };
        let known = known.map(|known| &known.said);
        let (inner, question) = (self.inner.clone(), &self.question);
        let heard = match ask(inner, question, &self.extensions, known, &self.shared).await {
            Heard::Said(said) => Heard::Said(self.by_list(said).await),
            heard => heard,
        };
        Some((heard, Some(slot)))
    }

    async fn slot(&self) -> Option<Result<OwnedSemaphorePermit, Shown>> {
        let slots = &self.shared.slots;
        if let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
            return Some(Ok(slot));
        }
        let slot = timeout(self.shared.max_wait, Arc::clone(slots).acquire_owned());
        match select(pin!(slot), pin!(self.flight.deserted())).await {
            Either::Left((Ok(slot), _)) => slot.ok().map(Ok),
            Either::Left((Err(_), _)) => {
                observe::refused(&self.question.target);
                Some(Err(busy()))
            }
            Either::Right(_) => None,
        }
    }

    /// An earlier answer, for those who are not to wait for the source.
    async fn stand_in(&self, known: Option<&Arc<Kept>>) {
        let shown = match known {
            Some(known) => Some(known.shown.clone().stale()),
            None => absent::instead_of_failure(&self.shared, &self.question).await,
        };
        if let Some(shown) = shown {
            self.flight.reach(Stage::Stale(shown));
        }
    }

    async fn answered(&self, said: Said, known: Known, slot: Slot) {
        let (shared, question) = (&self.shared, &self.question);
        let room = Storeroom::read(shared, question, &said).await;
        let ask_at = Instant::now() + shared.lifetime(said.status);
        let is_same = known
            .as_ref()
            .is_some_and(|known| known.said.is_same(&said));
        let is_there = known.as_ref().is_some_and(|known| known.is_recorded());
        let shown = room.shown(question, &said, Caching::Until(ask_at)).await;
        let kept = Arc::new(Kept {
            stale_until: ask_at + shared.stale,
            recorded: Arc::new(AtomicBool::new(is_same && is_there)),
            ..Kept::new(said, shown, question, ask_at)
        });
        shared.memory.put(question.path(), &kept);
        self.flight.reach(Stage::Answered(kept.shown.clone()));
        drop(slot);
        if kept.said.is_absence() {
            absent::is_absent(shared, question, &kept);
        }
        if room.stored.any {
            absent::is_stored(shared, question);
        }
        // What did not exist before contradicts nothing.
        if !is_same && (kept.said.is_found() || known.is_some()) {
            self.consequences(&kept);
        }
        if !(is_same && is_there) {
            self.write_down(kept, is_there).await;
        }
    }

    /// Until the record is what is known by then: another answer may have come meanwhile.
    async fn write_down(&self, mut kept: Arc<Kept>, mut is_there: bool) {
        let (shared, question) = (&self.shared, &self.question);
        // No answer is as long as 4 TiB.
        let room = (kept.said.content.len() / 1024 + 1) as u32;
        let Ok(_room) = shared.unwritten.try_acquire_many(room) else {
            return;
        };
        loop {
            let written = records::write(&shared.storage, question, &kept.said, is_there).await;
            kept.recorded.store(written, Ordering::Release);
            is_there |= written;
            match shared.memory.get(question.path()) {
                Some(now) if !now.said.is_same(&kept.said) => kept = now,
                _ => return,
            }
        }
    }

    /// What else a new answer means.
    fn consequences(&self, kept: &Kept) {
        // The two are asked one after the other, and are not to contradict each other.
        let (shared, question) = (&self.shared, &self.question);
        match question.target.resource() {
            Resource::List => shared.memory.expire(&question.beside(Resource::Latest)),
            Resource::Latest => shared.memory.expire(&question.beside(Resource::List)),
            _ => {}
        }
        let names_a_version = !question.is_list() && kept.said.is_found();
        if names_a_version
            && let Some(version) = version_of(&kept.said.content)
            && let Ok(info) = question.target.with_version(&version)
        {
            complete::fetch(shared, &self.inner, &question.other(info), &self.extensions);
        }
    }

    /// What is known, or stored, or an absence that may stand in for it; else the failure.
    async fn failed(&self, failure: Shown, known: Known) {
        let (shared, question) = (&self.shared, &self.question);
        let wait = match failure.caching {
            Caching::RetryAt(then) => then,
            _ => Instant::now() + PAUSE,
        };
        let stands_in = match known {
            Some(known) => {
                let room = Storeroom::read(shared, question, &known.said).await;
                let shown = room.shown(question, &known.said, Caching::Stale).await;
                // With the storage away it may be an absence, which is no answer in place of a failure.
                let shown = match shown.status {
                    StatusCode::OK => shown,
                    _ => known.shown.clone().stale(),
                };
                let kept = Kept {
                    shown,
                    ask_at: wait,
                    ..(*known).clone()
                };
                let kept = Arc::new(kept);
                shared.memory.put(question.path(), &kept);
                Some(kept.shown.clone())
            }
            None => match Storeroom::all(shared, question).await.alone(question).await {
                Some(shown) => Some(shown),
                None => absent::instead_of_failure(shared, question).await,
            },
        };
        if let Some(shown) = stands_in {
            return self.flight.reach(Stage::Stale(shown));
        }
        // Nothing is known of the module: until then clients hear the same.
        if let Some(kept) = Kept::until_retry(&failure, question) {
            shared.memory.put(question.path(), &Arc::new(kept));
        }
        self.flight.reach(Stage::Answered(failure));
    }

    async fn recorded(&self) -> Known {
        let (shared, question) = (&self.shared, &self.question);
        let said = records::read(&shared.storage, question).await;
        let said = observe::found(said)?;
        let room = Storeroom::read(shared, question, &said).await;
        let now = Instant::now();
        Some(Arc::new(Kept {
            shown: room.shown(question, &said, Caching::Stale).await,
            said,
            by: None,
            ask_at: now,
            stale_until: now,
            recorded: Arc::new(AtomicBool::new(true)),
        }))
    }
}
