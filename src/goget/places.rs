//! Who may run a command now: so many in all, for one host, and for one owner.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// The run slots of a service.
#[derive(Debug)]
pub(super) struct Places {
    all: Arc<Semaphore>,
    per_host: usize,
    per_owner: usize,
    /// Semaphores that somebody holds or waits for.
    shares: Mutex<HashMap<Name, Weak<Semaphore>>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Name {
    Host(String),
    Owner(String),
}

/// A run slot.
#[derive(Debug)]
pub(super) struct Place {
    _permits: [Option<OwnedSemaphorePermit>; 3],
}

impl Places {
    /// By default three quarters of all are for one host, and half of them for one owner.
    pub(super) fn new(
        all: Arc<Semaphore>,
        per_host: Option<usize>,
        per_owner: Option<usize>,
    ) -> Self {
        let total = all.available_permits();
        let bounded = |runs: usize| runs.min(Semaphore::MAX_PERMITS);
        Self {
            all,
            per_host: bounded(per_host.unwrap_or((total - total / 4).max(1))),
            per_owner: bounded(per_owner.unwrap_or((total / 2).max(1))),
            shares: Mutex::default(),
        }
    }

    /// Waits for a slot.
    ///
    /// # Errors
    ///
    /// If there is none any more, since the owner of the semaphore has closed it.
    ///
    /// # Cancel safety
    ///
    /// Leaves the queue.
    pub(super) async fn take(
        &self,
        host: &str,
        owner: Option<&str>,
    ) -> Result<Place, AcquireError> {
        let owner = owner.map(|owner| self.share(Name::Owner(owner.to_owned()), self.per_owner));
        let host = self.share(Name::Host(host.to_owned()), self.per_host);
        // That of all comes last: who waits for a share keeps nobody else from a place.
        let owner = match owner {
            Some(owner) => Some(owner.acquire_owned().await?),
            None => None,
        };
        let host = Some(host.acquire_owned().await?);
        let all = Some(Arc::clone(&self.all).acquire_owned().await?);
        Ok(Place {
            _permits: [owner, host, all],
        })
    }

    fn share(&self, name: Name, places: usize) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(&name).and_then(Weak::upgrade) {
            return share;
        }
        shares.retain(|_, share| share.strong_count() > 0);
        let share = Arc::new(Semaphore::new(places));
        shares.insert(name, Arc::downgrade(&share));
        share
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures_util::FutureExt as _;
    use tokio::sync::Semaphore;

    use super::Places;

    fn places(all: usize) -> Places {
        Places::new(Arc::new(Semaphore::new(all)), None, None)
    }

    #[test]
    fn one_host_leaves_places_to_others() {
        let places = places(8);
        let take = |host| places.take(host, None).now_or_never();
        let held: Vec<_> = (0..6).map(|_| take("dead.example").unwrap()).collect();
        assert!(take("dead.example").is_none());
        assert!(take("live.example").is_some());
        drop(held);
        assert!(take("dead.example").is_some());
    }

    #[test]
    fn one_owner_leaves_places_to_others_whatever_the_hosts() {
        let places = places(8);
        let take = |host: String, owner| {
            let taken = places.take(&host, Some(owner)).now_or_never();
            taken.map(Result::unwrap)
        };
        let _held: Vec<_> = (0..4)
            .map(|i| take(format!("{i}.example"), "ann").unwrap())
            .collect();
        assert!(take("4.example".into(), "ann").is_none());
        assert!(take("0.example".into(), "bob").is_some());
        assert!(places.take("0.example", None).now_or_never().is_some());
    }

    #[test]
    fn shares_that_nobody_has_are_forgotten() {
        let places = places(2);
        for i in 0..1000 {
            let (host, owner) = (format!("{i}.example"), i.to_string());
            let taken = places.take(&host, Some(&owner)).now_or_never();
            assert!(taken.is_some());
        }
        assert!(places.shares.lock().unwrap().len() <= 4);
        assert_eq!(places.all.available_permits(), 2);
    }
}
