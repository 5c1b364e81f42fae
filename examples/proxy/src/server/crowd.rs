//! All connections, and room for one more.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{counter, gauge};

use super::shares::{Full, Owner, Shares};
use super::watch::Activity;

#[derive(Debug)]
pub(super) struct Crowd(Mutex<Members>);

#[derive(Debug)]
struct Members {
    next: u64,
    /// By the order in which they came.
    all: BTreeMap<u64, (Arc<Activity>, Option<Owner>)>,
    shares: Shares,
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
        Arc::new(Self(Mutex::new(Members {
            next: 0,
            all: BTreeMap::new(),
            shares,
        })))
    }

    /// `None` if there are too many, of all or of this owner, and each of them has a request.
    pub(super) fn enter(self: &Arc<Self>, owner: Option<Owner>) -> Option<Member> {
        let mut members = self.members();
        if let Some(full) = members.shares.full(owner) {
            counter!("goproxy_connections_refused_total").increment(1);
            let victim = members.idle_longest(|of| full == Full::ForAll || of == owner)?;
            // It leaves as soon as its task runs; it is no longer counted now, and not chosen twice.
            members.remove(victim)?.evicted.notify_one();
        }
        let id = members.next;
        members.next += 1;
        let activity = Arc::new(Activity::default());
        members.all.insert(id, (Arc::clone(&activity), owner));
        members.shares.take(owner);
        members.tell();
        Some(Member {
            crowd: Arc::clone(self),
            id,
            activity,
        })
    }

    fn members(&self) -> MutexGuard<'_, Members> {
        // Nothing leaves it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    fn remove(&mut self, id: u64) -> Option<Arc<Activity>> {
        let (activity, owner) = self.all.remove(&id)?;
        self.shares.give_back(owner);
        Some(activity)
    }

    fn tell(&self) {
        gauge!("goproxy_connections").set(self.all.len() as f64);
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut members = self.crowd.members();
        members.remove(self.id);
        members.tell();
    }
}
