//! A semaphore for each address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::shares::Owner;

/// How many addresses are remembered. Whoever has more of them needs no more than one try from each.
const MOST: usize = 10_000;

#[derive(Debug)]
pub(super) struct PerAddress {
    permits: usize,
    all: Mutex<HashMap<Option<Owner>, Arc<Semaphore>>>,
}

impl PerAddress {
    pub(super) fn new(permits: usize) -> Self {
        Self {
            permits,
            all: Mutex::default(),
        }
    }

    /// The one of this owner, as long as somebody holds it or a permit of it.
    pub(super) fn of(&self, owner: Option<Owner>) -> Arc<Semaphore> {
        // Nothing leaves it half changed.
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
        }
        let new = || Arc::new(Semaphore::new(self.permits));
        match all.len() < MOST {
            true => Arc::clone(all.entry(owner).or_insert_with(new)),
            false => all.get(&owner).map_or_else(new, Arc::clone),
        }
    }
}
