//! Places for what cannot be taken back before it ends, such as requests.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::shares::{Owner, Shares};

#[derive(Debug)]
pub(crate) struct Places(Mutex<Shares>);

/// One place. Free again when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Arc<Places>,
    owner: Option<Owner>,
}

impl Places {
    pub(crate) fn new(shares: Shares) -> Arc<Self> {
        Arc::new(Self(Mutex::new(shares)))
    }

    pub(crate) fn take(self: &Arc<Self>, owner: Option<Owner>) -> Option<Place> {
        let mut shares = self.shares();
        if !shares.leaves_some(owner) {
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
