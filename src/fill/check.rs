//! The checks of a whole file, off the async threads and bounded.

use std::sync::Arc;

use tokio::time::timeout;
use tower::BoxError;

use super::failure::Failure;
use super::run::Run;
use crate::observe;
use crate::span::in_current_span;
use crate::verify::{Verified, Verifying, WholeFile};

impl Run {
    /// The checks keep their slot until they have ended, also where they take too long.
    pub(super) async fn check(
        &mut self,
        whole: WholeFile,
        checks: Vec<Box<dyn Verifying>>,
    ) -> Result<(), Failure> {
        let limit = self.shared.commit_timeout;
        let too_slow = |_| Failure::bad_gateway("the file could not be checked in time");
        let slot = match self.sink {
            Some(_) => {
                let slot = Arc::clone(&self.shared.checks).acquire_owned();
                Some(timeout(limit, slot).await.map_err(too_slow)?)
            }
            None => None,
        };
        let verify = async move {
            let _slot = slot;
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
            Err(Failure::bad_gateway("the file could not be checked"))
        };
        match timeout(limit, verify).await.map_err(too_slow)? {
            Ok(Verified::Passed) => Ok(()),
            Ok(Verified::Rejected(reason)) => Err(Failure::bad_gateway(&reason)),
            Ok(Verified::Unknown(reason)) => unknown(reason.into()),
            Err(panicked) => unknown(panicked.into()),
        }
    }
}
