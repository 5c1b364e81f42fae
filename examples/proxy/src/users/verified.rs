//! Remembers passwords that were right, for a while, and lets all who send the same one at once wait for one check.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use crate::shares::Owner;

/// How long a password that nobody uses counts as right without a check.
const FOR: Duration = Duration::from_secs(10 * 60);

/// Of user, file entry and password, under a key of this process. So it may stay when files are read again: if the entry
/// is another one, so is the key.
pub(super) type Key = [u8; 32];

#[derive(Debug)]
pub(super) struct Verified {
    secret: [u64; 4],
    known: Mutex<HashMap<Key, Known>>,
}

#[derive(Debug)]
struct Known {
    checked: Arc<OnceCell<bool>>,
    /// How many wait for the check.
    waiting: usize,
    used: Instant,
    /// The addresses that it came from.
    from: HashSet<Owner>,
}

impl Verified {
    pub(super) fn new() -> Self {
        Self {
            // Each state has keys of its own.
            secret: [0, 1, 2, 3].map(|n| RandomState::new().hash_one(n)),
            known: Mutex::default(),
        }
    }

    pub(super) fn key(&self, user: &str, entry: &str, password: &[u8]) -> Key {
        let mut digest = Sha256::new();
        for part in self.secret {
            digest.update(part.to_be_bytes());
        }
        for part in [user.as_bytes(), entry.as_bytes(), password] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }

    /// Whether it was right a while ago, from this address if one is given.
    pub(super) fn recalls(&self, key: &Key, from: Option<Owner>) -> bool {
        let (mut known, now) = (self.known(), Instant::now());
        let Some(known) = known.get_mut(key) else {
            return false;
        };
        let is_right = known.checked.get() == Some(&true) && !known.is_old(now);
        let is_known = is_right && from.is_none_or(|from| known.from.contains(&from));
        if is_known {
            known.used = now;
        }
        is_known
    }

    /// Whether the password is right. `None` if the check says so: it could not be made.
    pub(super) async fn check(
        &self,
        key: Key,
        from: Option<Owner>,
        check: impl Future<Output = Option<bool>>,
    ) -> Option<bool> {
        let pending = Pending::new(self, key);
        let checked = async { check.await.ok_or(()) };
        let right = pending.checked.get_or_try_init(|| checked).await;
        let right = right.ok().copied();
        if right == Some(true) {
            self.remember(key, from);
        }
        right
    }

    fn remember(&self, key: Key, from: Option<Owner>) {
        let (mut known, now) = (self.known(), Instant::now());
        if let Some(known) = known.get_mut(&key) {
            known.used = now;
            known.from.extend(from);
        }
        // Next to the check before this it costs nothing.
        known.retain(|_, known| known.waiting > 0 || !known.is_old(now));
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, Known>> {
        // Nothing leaves it half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn new() -> Self {
        Self {
            checked: Arc::default(),
            waiting: 0,
            used: Instant::now(),
            from: HashSet::new(),
        }
    }

    fn is_old(&self, now: Instant) -> bool {
        now.duration_since(self.used) > FOR
    }
}

/// A password that is being checked. Only a right one is remembered, also if some of its clients leave in between.
struct Pending<'a> {
    verified: &'a Verified,
    key: Key,
    checked: Arc<OnceCell<bool>>,
}

impl<'a> Pending<'a> {
    fn new(verified: &'a Verified, key: Key) -> Self {
        let (mut all, now) = (verified.known(), Instant::now());
        let known = all.entry(key).or_insert_with(Known::new);
        if known.waiting == 0 && known.is_old(now) {
            *known = Known::new();
        }
        known.waiting += 1;
        Self {
            verified,
            key,
            checked: Arc::clone(&known.checked),
        }
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        let mut all = self.verified.known();
        let Some(known) = all.get_mut(&self.key) else {
            return;
        };
        known.waiting -= 1;
        if known.waiting == 0 && known.checked.get() != Some(&true) {
            all.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;
    use tokio::sync::oneshot;

    use super::Verified;

    #[tokio::test]
    async fn a_right_password_is_remembered_and_a_wrong_one_is_not() {
        let verified = Verified::new();
        let [right, wrong] = ["one", "two"].map(|word| verified.key("alice", "x", word.as_bytes()));
        for _ in 0..2 {
            let checked = verified.check(wrong, None, async { Some(false) }).await;
            assert_eq!(checked, Some(false));
            assert_eq!(verified.check(wrong, None, async { None }).await, None);
            assert!(!verified.recalls(&wrong, None));
        }
        assert_eq!(
            verified.check(right, None, async { Some(true) }).await,
            Some(true)
        );
        assert!(verified.recalls(&right, None));
        let again = verified.check(right, None, async { None });
        assert_eq!(again.await, Some(true));
        // Another user, another entry.
        assert!(!verified.recalls(&verified.key("bob", "x", b"one"), None));
        assert!(!verified.recalls(&verified.key("alice", "y", b"one"), None));
    }

    #[tokio::test]
    async fn a_client_that_leaves_does_not_make_a_password_forgotten() {
        let verified = Verified::new();
        let key = verified.key("alice", "x", b"one");
        let (end, ended) = oneshot::channel();
        let mut first = pin!(verified.check(key, None, async { ended.await.ok() }));
        assert_eq!(first.as_mut().now_or_never(), None);
        let leaving = verified.check(key, None, async { None });
        assert_eq!(leaving.now_or_never(), None);
        end.send(true).unwrap();
        assert_eq!(first.await, Some(true));
        assert!(verified.recalls(&key, None));
    }
}
