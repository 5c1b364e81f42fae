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
use super::said::{Said, is_absence};
use super::shared::Shared;
use super::show::{show, show_stored};
use super::shown::{Caching, Shown};
use super::stored::Stored;
use crate::latest::{Latest, is_own_go_mod};
use crate::module::Version;
use crate::observe;
use crate::target::Resource;

/// A source that has failed is not asked for the same again before.
const PAUSE: Duration = Duration::from_secs(5);

/// How long a question waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(300);

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
                    true => Box::pin(self.failed(kept.shown.clone(), None)).await,
                    // The flight before this one has landed just now.
                    false => self.flight.reach(Stage::Answered(kept.shown.clone())),
                };
            }
            Some(kept) if kept.shown.status == StatusCode::OK => Some(kept),
            _ => Box::pin(self.recorded()).await,
        };
        let is_stale_enough = known
            .as_ref()
            .is_some_and(|known| Instant::now() < known.stale_until);
        if is_stale_enough || shared.is_silent() {
            Box::pin(self.stand_in(known.as_ref())).await;
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
            Heard::Failed(failure) => Box::pin(self.failed(failure, known)).await,
            Heard::ForOnce(said) => {
                let shown = show(shared, &self.question, &said, Caching::Never);
                self.flight.reach(Stage::Answered(Box::pin(shown).await));
            }
            Heard::Said(said) => Box::pin(self.answered(said, known, slot)).await,
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
        let stored = observe::found(Stored::read(&shared.storage, question).await);
        let listed = list::versions(&list.content).filter(|_| list.is_found());
        let latest: Latest = listed.chain(stored.versions()).collect();
        let go_mod = match latest.decided_by() {
            Some(tag) => self.file(tag, Resource::Mod).await,
            None => None,
        };
        let is_own = |go_mod: Said| is_own_go_mod(&question.target.module(), &go_mod.content);
        let info = match latest.version(go_mod.is_none_or(is_own)) {
            Some(version) => self.file(&version, Resource::Info).await,
            None => None,
        };
        info.unwrap_or(said)
    }

    /// A file of a version, of the source or stored.
    async fn file(&self, version: &Version<'_>, file: Resource) -> Option<Said> {
        let file = self.question.file(version, file)?;
        let (inner, shared) = (self.inner.clone(), &self.shared);
        match ask(inner, &file, &self.extensions, None, shared).await {
            Heard::Said(found) if found.is_found() => Some(Said {
                validators: None,
                ..found
            }),
            _ => None,
        }
    }

    /// Has clients wait no longer than they have to.
    async fn hear_in_time(&self, known: Option<&Arc<Kept>>) -> Option<(Heard, Slot)> {
        let mut heard = pin!(self.hear(known));
        match timeout(self.shared.patience, heard.as_mut()).await {
            Ok(heard) => heard,
            Err(_) => {
                self.shared.set_silent(true);
                Box::pin(self.stand_in(known)).await;
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
        // Large, and many wait that have not come so far.
        let heard = Box::pin(async {
            match ask(inner, question, &self.extensions, known, &self.shared).await {
                Heard::Said(said) => Heard::Said(self.by_list(said).await),
                heard => heard,
            }
        });
        Some((heard.await, Some(slot)))
    }

    async fn slot(&self) -> Option<Result<OwnedSemaphorePermit, Shown>> {
        let slots = &self.shared.slots;
        if let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
            return Some(Ok(slot));
        }
        let slot = timeout(MAX_WAIT, Arc::clone(slots).acquire_owned());
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
        let ask_at = Instant::now() + shared.lifetime(said.status);
        let is_same = known
            .as_ref()
            .is_some_and(|known| known.said.is_same(&said));
        let is_there = known.as_ref().is_some_and(|known| known.is_recorded());
        let shown = show(shared, question, &said, Caching::Until(ask_at)).await;
        let kept = Arc::new(Kept {
            stale_until: ask_at + shared.stale,
            recorded: Arc::new(AtomicBool::new(is_same && is_there)),
            ..Kept::new(said, shown, question, ask_at)
        });
        shared.memory.put(question.path(), &kept);
        self.flight.reach(Stage::Answered(kept.shown.clone()));
        drop(slot);
        if is_absence(kept.said.status) {
            absent::is_absent(shared, question, &kept);
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
        let (shared, question) = (&self.shared, &self.question);
        let named = (!question.is_list() && kept.said.is_found())
            .then(|| version_of(&kept.said.content))
            .flatten();
        // The two are asked one after the other, and are not to contradict each other.
        match question.target.resource() {
            Resource::List => shared.memory.expire(&question.beside(Resource::Latest)),
            Resource::Latest => {
                let list = question.beside(Resource::List);
                let known = shared.memory.get(&list).map(|kept| kept.said.clone());
                let known = known.filter(Said::is_found).zip(named.as_ref());
                if !known.is_some_and(|(list, latest)| list::goes_with(&list.content, latest)) {
                    shared.memory.expire(&list);
                }
            }
            _ => {}
        }
        let info = named.and_then(|version| question.file(&version, Resource::Info));
        complete::fetch(shared, &self.inner, info, &self.extensions);
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
                let shown = show(shared, question, &known.said, Caching::Stale).await;
                // With the storage away it may be an absence, which is no answer in place of a failure.
                let shown = match shown.status {
                    StatusCode::OK => shown,
                    _ => known.shown.clone().stale(),
                };
                let kept = Kept {
                    shown: shown.clone(),
                    ask_at: wait,
                    ..(*known).clone()
                };
                shared.memory.put(question.path(), &Arc::new(kept));
                Some(shown)
            }
            None => match show_stored(shared, question).await {
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
        let now = Instant::now();
        Some(Arc::new(Kept {
            shown: show(shared, question, &said, Caching::Stale).await,
            said,
            by: None,
            ask_at: now,
            stale_until: now,
            recorded: Arc::new(AtomicBool::new(true)),
        }))
    }
}
