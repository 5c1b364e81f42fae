//! Slows down who tries passwords.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many wrong tries an address has in each period before it is slowed down.
const FREE: u32 = 10;
const PERIOD: Duration = Duration::from_secs(60);
const DELAY: Duration = Duration::from_secs(2);
/// How many addresses are remembered.
const MOST: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Slow(Mutex<HashMap<IpAddr, (Instant, u32)>>);

impl Slow {
    /// Counts a wrong try. Returns how long its answer has to wait.
    pub(super) fn wrong(&self, client: IpAddr) -> Duration {
        let now = Instant::now();
        // Nothing leaves it half changed.
        let mut tries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= MOST {
            tries.retain(|_, (since, _)| now.duration_since(*since) < PERIOD);
        }
        if tries.len() >= MOST && !tries.contains_key(&client) {
            return DELAY;
        }
        let (since, count) = tries.entry(client).or_insert((now, 0));
        if now.duration_since(*since) >= PERIOD {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        if *count > FREE { DELAY } else { Duration::ZERO }
    }
}
