//! The answers that this process knows, and how fresh they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use tokio::time::Instant;

use super::question::Question;
use super::said::{Said, is_failure, len};
use super::shown::{Caching, Shown};
use crate::access::value::Access;

/// How many bytes all of them take, unless told otherwise.
pub(super) const MAX_BYTES: u64 = 16 << 20;

/// What an entry takes beside its bytes and its path.
const OVERHEAD: u64 = 512;

/// So few that a long list still fits into one of them.
const SHARDS: usize = 4;

/// An answer, and until when it is good.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) said: Said,
    pub(super) shown: Shown,
    /// With whose credentials the source was asked.
    pub(super) by: Option<Access>,
    /// The source is not asked again before: since this is fresh, or since it has just failed.
    pub(super) ask_at: Instant,
    /// Until then it is given to clients while the source is asked behind them.
    pub(super) stale_until: Instant,
    /// Whether the storage has a record with these bytes.
    pub(super) recorded: Arc<AtomicBool>,
}

/// Bounded by weight, what is found apart from what is not: a stranger can ask for a million names that do not exist.
pub(super) struct Memory {
    found: Entries,
    absent: Entries,
}

type Entries = Cache<Arc<str>, Arc<Kept>, Weight>;

#[derive(Clone)]
struct Weight;

impl Weighter<Arc<str>, Arc<Kept>> for Weight {
    fn weight(&self, path: &Arc<str>, kept: &Arc<Kept>) -> u64 {
        // Mostly the two contents are the same bytes.
        let (said, shown) = (&kept.said.content, &kept.shown.content);
        let is_same = said.as_ptr() == shown.as_ptr();
        let shown = if is_same { 0 } else { shown.len() };
        let validators = kept.said.validators.as_ref().map_or(0, len);
        (path.len() + said.len() + shown + validators) as u64 + OVERHEAD
    }
}

impl Memory {
    pub(super) fn new(max_bytes: u64) -> Self {
        Self {
            found: entries(max_bytes / 4 * 3),
            absent: entries(max_bytes / 4),
        }
    }

    /// What is known, fresh or not.
    pub(super) fn get(&self, path: &str) -> Option<Arc<Kept>> {
        self.found.get(path).or_else(|| self.absent(path))
    }

    pub(super) fn absent(&self, path: &str) -> Option<Arc<Kept>> {
        self.absent.get(path)
    }

    pub(super) fn put(&self, path: &Arc<str>, kept: &Arc<Kept>) {
        let (of_kind, of_other) = match kept.shown.status.is_success() {
            true => (&self.found, &self.absent),
            false => (&self.absent, &self.found),
        };
        of_kind.insert(Arc::clone(path), Arc::clone(kept));
        of_other.remove(&**path);
    }

    /// The source is asked again before it is given once more.
    pub(super) fn expire(&self, path: &str) {
        if let Some(kept) = self.get(path) {
            let now = Instant::now();
            let kept = Kept {
                ask_at: now,
                stale_until: now,
                ..(*kept).clone()
            };
            self.put(&path.into(), &Arc::new(kept));
        }
    }

    pub(super) fn forget(&self, path: &str) {
        self.found.remove(path);
        self.absent.remove(path);
    }
}

impl Kept {
    /// An answer of the source, which has just come.
    pub(super) fn new(said: Said, shown: Shown, question: &Question, ask_at: Instant) -> Self {
        Self {
            said,
            shown,
            by: question.access.clone(),
            ask_at,
            stale_until: ask_at,
            recorded: Arc::default(),
        }
    }

    /// A failure, of a source that has said when to ask again.
    pub(super) fn until_retry(failure: &Shown, question: &Question) -> Option<Self> {
        let Caching::RetryAt(ask_at) = failure.caching else {
            return None;
        };
        let said = Said {
            status: failure.status,
            content: failure.content.clone(),
            private: true,
            validators: None,
        };
        Some(Self::new(said, failure.clone(), question, ask_at))
    }

    /// What the source has said of itself, and not of a module.
    pub(super) fn is_failure(&self) -> bool {
        is_failure(self.shown.status)
    }

    pub(super) fn is_recorded(&self) -> bool {
        self.recorded.load(Ordering::Acquire)
    }

    /// Whether it is an answer to this question without asking anybody.
    pub(super) fn is_fresh(&self, question: &Question) -> bool {
        Instant::now() < self.ask_at && self.by == question.access
    }
}

fn entries(max_bytes: u64) -> Entries {
    let options = OptionsBuilder::new()
        .estimated_items_capacity(usize::try_from(max_bytes / 1024).unwrap_or(usize::MAX))
        .weight_capacity(max_bytes)
        .shards(SHARDS)
        .build();
    // Nothing is left out of the options that they need.
    let options = options.expect("the options are whole");
    Cache::with_options(
        options,
        Weight,
        DefaultHashBuilder::default(),
        DefaultLifecycle::default(),
    )
}
