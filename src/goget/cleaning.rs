//! When the module cache is cleaned by itself.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::clean::How;
use super::config::Config;
use super::error::{GoGetError, Kind};

/// The time between two clean-ups, at least.
const PAUSE: Duration = Duration::from_secs(10 * 60);
/// The time after which one that could not be is tried again.
const RETRY: Duration = Duration::from_secs(60);
/// After so many that could not be, the next one waits for any command.
const FAILURES: u32 = 2;

#[derive(Debug, Default)]
pub(super) struct Cleaning(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    runs: bool,
    /// None before this.
    next: Option<Instant>,
    failures: u32,
    /// When the disk was full last, and whether there was a clean-up for it.
    full: Option<(Instant, bool)>,
}

impl Cleaning {
    /// Begins a clean-up, if one is due.
    pub(super) fn begin(&self, config: &Config) -> Option<How> {
        let mut state = self.lock();
        let now = Instant::now();
        let is_full = matches!(state.full, Some((_, false)));
        if state.runs || (!is_full && state.next.is_some_and(|next| now < next)) {
            return None;
        }
        state.runs = true;
        state.next = Some(now + PAUSE);
        if let Some((_, is_done)) = &mut state.full {
            *is_done = true;
        }
        // Who waits for the gate meanwhile waits no longer than for a place, unless there is no other way.
        let patience = match state.failures {
            ..FAILURES => config.max_wait / 2,
            FAILURES.. => config.time_limit.saturating_mul(2),
        };
        Some(How { patience, is_full })
    }

    pub(super) fn ended(&self, result: &io::Result<u64>) {
        let mut state = self.lock();
        state.runs = false;
        match result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                state.failures = state.failures.saturating_add(1);
                state.next = Some(Instant::now() + RETRY);
            }
            _ => state.failures = 0,
        }
    }

    /// Takes note of an error that means that the disk is full.
    pub(super) fn failed(&self, error: &GoGetError) {
        let mut state = self.lock();
        let is_news = state.full.is_none_or(|(at, _)| at.elapsed() >= PAUSE);
        if error.kind() == Kind::Full && is_news {
            state.full = Some((Instant::now(), false));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
