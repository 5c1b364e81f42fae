//! A file that goes to a client while it is checked, and is stored nowhere.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::stage::{Checks, Refusal};

/// How much is held back until the checks have passed.
const HELD_BACK: usize = 64 * 1024;

pub(crate) struct Passing {
    /// `None` for what cannot be checked.
    checks: Option<Checks>,
    /// How long they may take.
    limit: Duration,
    held: VecDeque<Bytes>,
    len: usize,
}

impl Passing {
    pub(crate) fn new(checks: Option<Checks>, limit: Duration) -> Self {
        Self {
            checks,
            limit,
            held: VecDeque::new(),
            len: 0,
        }
    }

    /// Takes the next bytes, once the checks have room for them.
    ///
    /// # Errors
    ///
    /// A check has taken too long.
    ///
    /// # Cancel safety
    ///
    /// None: the bytes may be lost.
    pub(crate) async fn push(&mut self, bytes: Bytes) -> Result<(), Elapsed> {
        if let Some(checks) = &mut self.checks {
            checks.update(&bytes);
            timeout(self.limit, checks.ready()).await?;
        }
        if !bytes.is_empty() {
            self.len += bytes.len();
            self.held.push_back(bytes);
        }
        Ok(())
    }

    /// Bytes that the client may have.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        let held_back = self.checks.as_ref().map_or(0, |_| HELD_BACK);
        let left = self.len - self.held.front()?.len();
        if left < held_back {
            return None;
        }
        self.len = left;
        self.held.pop_front()
    }

    /// The last bytes, after the checks have passed.
    pub(crate) async fn finish(self) -> Result<VecDeque<Bytes>, Refusal> {
        if let Some(checks) = self.checks {
            checks.finish_stream(self.limit).await?;
        }
        Ok(self.held)
    }
}
