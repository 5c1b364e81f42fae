//! Places for requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::shares::{Owner, Shares};

#[derive(Debug)]
pub(super) struct Places(Mutex<Shares>);

/// The place of one request. Free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    owner: Option<Owner>,
}

impl Places {
    pub(super) fn new(shares: Shares) -> Arc<Self> {
        Arc::new(Self(Mutex::new(shares)))
    }

    pub(super) fn take(self: &Arc<Self>, owner: Option<Owner>) -> Option<Place> {
        let mut shares = self.shares();
        if shares.full(owner).is_some() {
            return None;
        }
        shares.take(owner);
        Some(Place {
            places: Arc::clone(self),
            owner,
        })
    }

    fn shares(&self) -> MutexGuard<'_, Shares> {
        // Nothing leaves it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.shares().give_back(self.owner);
    }
}
