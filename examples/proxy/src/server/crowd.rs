//! All connections, and room for one more.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{counter, gauge};
use tokio::sync::Notify;

use super::watch::Activity;
use crate::shares::{Full, Owner, Shares};

/// How many connections may have lost their place and still have their descriptor.
const LEAVING: usize = 8;

#[derive(Debug)]
pub(super) struct Crowd {
    members: Mutex<Members>,
    /// One that had to leave is gone.
    left: Notify,
}

#[derive(Debug)]
struct Members {
    next: u64,
    /// By the order in which they came.
    all: BTreeMap<u64, (Arc<Activity>, Option<Owner>)>,
    shares: Shares,
    leaving: usize,
}

/// One connection, as long as it lasts.
#[derive(Debug)]
pub(super) struct Member {
    crowd: Arc<Crowd>,
    id: u64,
    pub(super) activity: Arc<Activity>,
}

impl Crowd {
    pub(super) fn new(shares: Shares) -> Arc<Self> {
        let members = Members {
            next: 0,
            all: BTreeMap::new(),
            shares,
            leaving: 0,
        };
        Arc::new(Self {
            members: Mutex::new(members),
            left: Notify::new(),
        })
    }

    /// `None` if there are too many, of all or of this owner, each of them has a request, and no owner has more than this
    /// one.
    pub(super) fn enter(self: &Arc<Self>, owner: Option<Owner>) -> Option<Member> {
        let mut members = self.members();
        if let Some(full) = members.shares.full(owner) {
            let victim = match full {
                Full::ForOne => members.idle_longest(|of| of == owner),
                Full::ForAll => {
                    let idle = members.idle_longest(|_| true);
                    idle.or_else(|| members.of_larger_than(owner))
                }
            };
            let Some(victim) = victim.and_then(|id| members.remove(id)) else {
                counter!("goproxy_connections_refused_total").increment(1);
                return None;
            };
            // It leaves as soon as its task runs; it is no longer counted now, and not chosen twice.
            victim.evicted.notify_one();
            members.leaving += 1;
        }
        let id = members.next;
        members.next += 1;
        let activity = Arc::new(Activity::default());
        members.all.insert(id, (Arc::clone(&activity), owner));
        members.shares.take(owner);
        gauge!("goproxy_connections").increment(1);
        Some(Member {
            crowd: Arc::clone(self),
            id,
            activity,
        })
    }

    /// Returns once nearly all that had to leave are gone. Only one task may wait for it.
    pub(super) async fn settled(&self) {
        while self.members().leaving >= LEAVING {
            self.left.notified().await;
        }
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        // Nothing leaves it half changed.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Members {
    /// Of those that are idle for equally long, the one that came first.
    fn idle_longest(&self, may_leave: impl Fn(Option<Owner>) -> bool) -> Option<u64> {
        let all = self.all.iter();
        let candidates = all.filter(|(_, (_, owner))| may_leave(*owner));
        let idle =
            candidates.filter_map(|(id, (activity, _))| Some((activity.idle()?, Reverse(*id))));
        idle.max().map(|(_, Reverse(id))| id)
    }

    /// The newest connection of the owner that has the most.
    fn of_larger_than(&self, owner: Option<Owner>) -> Option<u64> {
        let larger = self.shares.larger_than(owner)?;
        let mut newest = self.all.iter().rev();
        let found = newest.find(|(_, (_, of))| *of == Some(larger));
        found.map(|(id, _)| *id)
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Activity>> {
        let (activity, owner) = self.all.remove(&id)?;
        self.shares.give_back(owner);
        // Not set: another address has a crowd of its own.
        gauge!("goproxy_connections").decrement(1);
        Some(activity)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut members = self.crowd.members();
        if members.remove(self.id).is_none() {
            members.leaving -= 1;
            self.crowd.left.notify_one();
        }
    }
}
