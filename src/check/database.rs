//! What the checksum database says of a stored file.

use super::file::Verdict;
#[cfg(feature = "sumdb")]
use crate::sumdb::{Fault, Said, SumDb};
use crate::target::Target;

#[cfg(feature = "sumdb")]
type IsPublic = dyn Fn(&Target<'_>) -> bool + Send + Sync;

/// A database, and of which files it may know.
#[cfg(feature = "sumdb")]
pub(super) struct Database {
    pub(super) sumdb: SumDb,
    pub(super) is_public: Box<IsPublic>,
}

#[cfg(feature = "sumdb")]
impl Database {
    pub(super) fn name(&self) -> &str {
        self.sumdb.name()
    }

    /// `None` for a file that it is not asked about.
    ///
    /// # Cancel safety
    ///
    /// Waits only.
    pub(super) async fn confirm(&self, target: &Target<'_>, hash: &str) -> Option<Verdict> {
        let is_excluded = self.sumdb.excludes(&target.module().unescaped());
        if is_excluded || !(self.is_public)(target) {
            return None;
        }
        Some(match self.sumdb.compare(target, hash).await {
            Ok(Said::Same) => Verdict::Good,
            Ok(Said::Other(reason)) => Verdict::Wrong(reason),
            Err(fault @ Fault::Missing(..)) => Verdict::Unconfirmed(fault.to_string()),
            // A database that cannot be believed says nothing against a file.
            Err(fault @ (Fault::Away(_) | Fault::Lies(_))) => Verdict::Unchecked(fault.to_string()),
        })
    }
}

/// There is none.
#[cfg(not(feature = "sumdb"))]
pub(super) enum Database {}

#[cfg(not(feature = "sumdb"))]
impl Database {
    pub(super) fn name(&self) -> &str {
        match *self {}
    }

    pub(super) async fn confirm(&self, _: &Target<'_>, _: &str) -> Option<Verdict> {
        match *self {}
    }
}
