//! Slows down who tries passwords, before they are checked.

use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};

use super::per_address::PerAddress;
use crate::shares::Owner;

/// How many passwords an address may try.
const TRIES: usize = 10;
/// How long a wrong one counts.
const COUNTS: Duration = Duration::from_secs(10);
/// How long the next one waits until an earlier one does not count any more.
const WAIT: Duration = Duration::from_secs(15);

/// The tries that each address has left.
#[derive(Debug)]
pub(super) struct Slow(PerAddress);

/// A password that is being tried. Only a wrong one counts after that.
#[derive(Debug)]
pub(super) struct Try {
    _permit: OwnedSemaphorePermit,
}

impl Slow {
    pub(super) fn new() -> Self {
        Self(PerAddress::new(TRIES))
    }

    /// `None` if this address has none left for too long.
    pub(super) async fn begin(&self, owner: Owner) -> Option<Try> {
        let permit = timeout(WAIT, self.0.of(Some(owner)).acquire_owned()).await;
        let _permit = permit.ok()?.ok()?;
        Some(Try { _permit })
    }
}

impl Try {
    pub(super) fn was_wrong(self) {
        tokio::spawn(async move {
            sleep(COUNTS).await;
            drop(self);
        });
    }
}
