//! Locks that a panic does not poison.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// For what no panic leaves half changed.
pub(crate) fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
