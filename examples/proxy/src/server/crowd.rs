//! All connections, and room for one more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::{counter, gauge};

use super::watch::Activity;

#[derive(Debug)]
pub(super) struct Crowd {
    most: usize,
    /// By the order in which they came.
    members: Mutex<(u64, BTreeMap<u64, Arc<Activity>>)>,
}

/// One connection, as long as it lasts.
#[derive(Debug)]
pub(super) struct Member {
    crowd: Arc<Crowd>,
    id: u64,
    pub(super) activity: Arc<Activity>,
}

impl Crowd {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            members: Mutex::default(),
        }
    }

    /// `None` if there are too many, and each has a request.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Member> {
        let mut members = self.members();
        if members.1.len() >= self.most {
            counter!("goproxy_connections_refused_total").increment(1);
            // Of those who are idle for equally long, the one that came first.
            let idle = members
                .1
                .iter()
                .filter_map(|(id, activity)| Some((activity.idle()?, std::cmp::Reverse(*id))));
            let std::cmp::Reverse(victim) = idle.max()?.1;
            // It leaves as soon as its task runs; it is no longer counted now, and not chosen twice.
            members.1.remove(&victim)?.evicted.notify_one();
        }
        let id = members.0;
        members.0 += 1;
        let activity = Arc::new(Activity::default());
        members.1.insert(id, Arc::clone(&activity));
        gauge!("goproxy_connections").set(members.1.len() as f64);
        Some(Member {
            crowd: Arc::clone(self),
            id,
            activity,
        })
    }

    fn members(&self) -> MutexGuard<'_, (u64, BTreeMap<u64, Arc<Activity>>)> {
        // Nothing leaves it half changed.
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut members = self.crowd.members();
        members.1.remove(&self.id);
        gauge!("goproxy_connections").set(members.1.len() as f64);
    }
}
