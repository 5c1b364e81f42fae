//! Each new file against the database.

use std::sync::Arc;

use bytes::Bytes;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

use super::fault::Fault;
use super::http::By;
use super::settings::SumDb;
use crate::observe;
use crate::span::in_current_span;
use crate::target::{Resource, Target};
use crate::verify::{Dirhash, Verified, Verify, VerifyFuture, Verifying, WholeFile};

/// What the database says of a file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Same,
    Other(String),
}

impl SumDb {
    /// Compares a hash with that of the database.
    pub(crate) async fn compare(&self, target: &Target<'_>, hash: &str) -> Result<Said, Fault> {
        let name = Self::name_of(target);
        let found = self.database.look_up(&name, By::Check).await?;
        let name = self.name();
        Ok(match found.hash(target) {
            Some(said) if said == hash => Said::Same,
            Some(said) => Said::Other(format!(
                "checksum mismatch: the file has {hash}, {name} has {said}"
            )),
            None => Said::Other(format!("checksum missing from the response of {name}")),
        })
    }
}

impl Verify for SumDb {
    fn start(&self, target: &Target<'_>) -> Box<dyn Verifying> {
        let is_checked = matches!(target.resource(), Resource::Mod | Resource::Zip)
            && !self.excludes(&target.module().unescaped());
        // It runs while the file arrives, and the other checks.
        let look_up = is_checked.then(|| {
            let database = Arc::clone(&self.database);
            let name = Self::name_of(target);
            let look_up = async move { _ = database.look_up(&name, By::Check).await };
            AbortOnDropHandle::new(tokio::spawn(in_current_span(look_up)))
        });
        Box::new(Comparing {
            sumdb: self.clone(),
            target: target.clone().into_owned(),
            look_up,
        })
    }

    fn follows_stream(&self) -> bool {
        true
    }

    fn hit(&self, target: &Target<'_>) {
        self.marks.hit(self, target);
    }
}

struct Comparing {
    sumdb: SumDb,
    target: Target<'static>,
    /// `None` if the file is not verified.
    look_up: Option<AbortOnDropHandle<()>>,
}

impl Comparing {
    async fn decide(self, dirhash: Dirhash, is_stored: bool) -> Verified {
        let (sumdb, target) = (&self.sumdb, &self.target);
        if self.look_up.is_none() {
            return Verified::Passed;
        }
        let Some(hash) = dirhash.get() else {
            return Verified::Unknown("no check has computed the hash".to_owned());
        };
        let wait = sumdb.wait;
        let late = |_| Err(Fault::Away(format!("no answer {wait:?} after the file")));
        let compared = timeout(wait, sumdb.compare(target, hash)).await;
        match compared.unwrap_or_else(late) {
            Ok(Said::Same) => {
                sumdb.marks.remove(sumdb, target).await;
                Verified::Passed
            }
            Ok(Said::Other(reason)) => Verified::Rejected(reason),
            Err(lies @ Fault::Lies(_)) => Verified::Rejected(lies.to_string()),
            Err(fault) if sumdb.requires => Verified::Rejected(fault.to_string()),
            Err(fault) => {
                observe::sumdb_unverified(target, &fault);
                if is_stored {
                    sumdb.marks.add(sumdb, target, hash).await;
                }
                Verified::Passed
            }
        }
    }
}

impl Verifying for Comparing {
    fn update(&mut self, _: &Bytes) {}

    fn finish(self: Box<Self>, file: WholeFile) -> VerifyFuture {
        let dirhash = file.dirhash().clone();
        Box::pin(self.decide(dirhash, true))
    }

    fn finish_stream(self: Box<Self>, dirhash: Dirhash) -> VerifyFuture {
        Box::pin(self.decide(dirhash, false))
    }
}
