//! What is known of a host: whether it answers at all.

use std::fmt;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use crate::lock::lock;

/// How long a host that is away is left alone at first; doubled with each vain attempt.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A host is away if a request got no answer, and no other request has got one meanwhile.
pub(crate) struct Health<E>(Mutex<State<E>>);

struct State<E> {
    answers: u64,
    away: Option<Away<E>>,
}

struct Away<E> {
    error: E,
    /// It may have been slow that once.
    is_doubtful: bool,
    pause: Duration,
    next_attempt: Instant,
}

/// What to do with a request.
pub(crate) enum Advice<E> {
    Ask,
    /// The host is away, and it is time to see whether it is back.
    Probe(E),
    /// The host is away.
    Leave(E),
}

impl<E: Clone> Health<E> {
    pub(crate) fn new() -> Self {
        let (answers, away) = (0, None);
        Self(Mutex::new(State { answers, away }))
    }

    pub(crate) fn advice(&self) -> Advice<E> {
        let mut state = self.state();
        let Some(away) = &mut state.away else {
            return Advice::Ask;
        };
        let (now, error) = (Instant::now(), away.error.clone());
        if now < away.next_attempt {
            return Advice::Leave(error);
        }
        // If nothing is ever heard of this attempt, there is another one.
        away.pause = (away.pause * 2).min(LONGEST_PAUSE);
        away.next_attempt = now + away.pause;
        Advice::Probe(error)
    }

    pub(crate) fn is_away(&self) -> bool {
        self.state().away.is_some()
    }

    /// For [`failed`](Self::failed), before a request goes out.
    pub(crate) fn answers(&self) -> u64 {
        self.state().answers
    }

    /// An answer has come, whatever it says. If that is news, returns whether the host was away.
    pub(crate) fn answered(&self) -> Option<bool> {
        let mut state = self.state();
        state.answers += 1;
        let was_away = state.away.take().is_some();
        (was_away || state.answers == 1).then_some(was_away)
    }

    /// A request that went out after so many `answers` got none. Returns whether the host is away since now.
    pub(crate) fn failed(&self, answers: u64, error: &E) -> bool {
        let mut state = self.state();
        if state.answers != answers {
            return false;
        }
        if let Some(away) = &mut state.away {
            away.error = error.clone();
            away.is_doubtful = false;
            return false;
        }
        state.away = Some(Away {
            error: error.clone(),
            is_doubtful: false,
            pause: PAUSE,
            next_attempt: Instant::now() + PAUSE,
        });
        true
    }

    /// Whether it is worth a moment to see if a host that is away is only slow: until somebody has done so in vain.
    pub(crate) fn is_doubtful(&self) -> bool {
        let state = self.state();
        state.away.as_ref().is_some_and(|away| away.is_doubtful)
    }

    pub(crate) fn doubt(&self, is_doubtful: bool) {
        if let Some(away) = &mut self.state().away {
            away.is_doubtful = is_doubtful;
        }
    }

    fn state(&self) -> MutexGuard<'_, State<E>> {
        lock(&self.0)
    }
}

impl<E: Clone> fmt::Debug for Health<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("away", &self.is_away())
            .finish_non_exhaustive()
    }
}
