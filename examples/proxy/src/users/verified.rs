//! Remembers passwords that were right, for a while, and lets all who send the same one at once wait for one check.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;

use super::checker::Checker;
use super::htpasswd::Hash;

/// How long a password counts as right without a check.
const FOR: Duration = Duration::from_secs(10 * 60);

/// Of user, file entry and password, under a key of this process.
type Key = [u8; 32];

type Checked = Arc<OnceCell<bool>>;

#[derive(Debug)]
pub(super) struct Verified {
    secret: [u64; 4],
    known: Mutex<HashMap<Key, (Instant, Checked)>>,
    checker: Checker,
}

impl Verified {
    pub(super) fn new() -> Self {
        Self {
            // Each state has keys of its own.
            secret: [0, 1, 2, 3].map(|n| RandomState::new().hash_one(n)),
            known: Mutex::default(),
            checker: Checker::new(),
        }
    }

    /// Whether the password is that of the hash; `None` if too many passwords wait to be checked.
    pub(super) async fn check(&self, user: &str, hash: &Hash, password: &[u8]) -> Option<bool> {
        let key = self.key(user, hash, password);
        let pending = Pending {
            checked: self.checked(key),
            verified: self,
            key,
        };
        let (owned, text) = (hash.clone(), password.to_vec());
        let check = || async {
            let right = self.checker.run(move || owned.verify(&text)).await;
            right.ok_or(())
        };
        pending.checked.get_or_try_init(check).await.ok().copied()
    }

    fn checked(&self, key: Key) -> Checked {
        let (mut known, now) = (self.known(), Instant::now());
        let (at, checked) = known
            .entry(key)
            .or_insert_with(|| (now, Checked::default()));
        if now.duration_since(*at) > FOR {
            (*at, *checked) = (now, Checked::default());
        }
        Arc::clone(checked)
    }

    fn key(&self, user: &str, hash: &Hash, password: &[u8]) -> Key {
        let mut digest = Sha256::new();
        for part in self.secret {
            digest.update(part.to_be_bytes());
        }
        for part in [user.as_bytes(), hash.as_str().as_bytes(), password] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, (Instant, Checked)>> {
        // Nothing leaves it half changed.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A password that is being checked. Only a right one is remembered, also if its client leaves in between.
struct Pending<'a> {
    verified: &'a Verified,
    key: Key,
    checked: Checked,
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        if self.checked.get() != Some(&true) {
            self.verified.known().remove(&self.key);
        }
    }
}
