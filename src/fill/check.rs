//! The checks of a whole file, off the async threads and bounded.

use std::sync::Arc;

use tokio::time::timeout;
use tower::BoxError;

use super::run::{Run, Stop, bad, cannot_keep};
use crate::observe;
use crate::span::in_current_span;
use crate::verify::{Verified, Verifying};

impl Run {
    /// All bytes are in. The checks keep their place until they have ended, also where they take too long.
    pub(super) async fn check(&mut self, checks: Vec<Box<dyn Verifying>>) -> Result<(), Stop> {
        let whole = self.kept.whole(self.entry.key()).await;
        let whole = whole.map_err(|error| cannot_keep(&error))?;
        let limit = self.shared.commit_timeout;
        let too_slow = "the file could not be checked in time";
        let place = match self.kept.is_open() {
            true => {
                let place = Arc::clone(&self.shared.checks).acquire_owned();
                Some(timeout(limit, place).await.map_err(|_| bad(too_slow))?)
            }
            false => None,
        };
        let verify = async move {
            let _place = place;
            for check in checks {
                match check.finish(whole.clone()).await {
                    Verified::Passed => {}
                    failed => return failed,
                }
            }
            Verified::Passed
        };
        let verify = tokio::spawn(in_current_span(verify));
        let unknown = |reason: BoxError| {
            observe::check_failed(&self.target, &reason);
            Err(bad("the file could not be checked"))
        };
        match timeout(limit, verify).await {
            Ok(Ok(Verified::Passed)) => Ok(()),
            Ok(Ok(Verified::Rejected(reason))) => Err(bad(&reason)),
            Ok(Ok(Verified::Unknown(reason))) => unknown(reason.into()),
            Ok(Err(panicked)) => unknown(panicked.into()),
            Err(_) => Err(bad(too_slow)),
        }
    }
}
