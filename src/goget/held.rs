//! What a job holds while it runs.

use std::fs::File;
use std::io;
use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::clean;
use super::config::Config;
use super::error::{GoGetError, Kind};
use super::run::Unwanted;
use super::runner::Failed;

/// Waits for one of the places. One that nobody wants any more leaves the queue.
pub(super) async fn place(
    config: &Config,
    unwanted: &mut Unwanted,
) -> Result<OwnedSemaphorePermit, Failed> {
    let place = timeout(config.max_wait, Arc::clone(&config.places).acquire_owned());
    match select(pin!(place), unwanted).await {
        Either::Left((Ok(Ok(place)), _)) => Ok(place),
        // A semaphore that its owner has closed has no places either.
        Either::Left(_) => Err(GoGetError::new(Kind::Busy(config.max_wait), "").into()),
        Either::Right(_) => Err(Failed::Unwanted),
    }
}

/// Keeps clean-ups away. A thread waits on even if nobody wants the job any more.
pub(super) async fn lock(config: &Config, unwanted: &mut Unwanted) -> Result<File, Failed> {
    let folder = config.cache.clone();
    let lock = spawn_blocking(move || clean::lock_for_job(&folder));
    match select(lock, unwanted).await {
        Either::Left((lock, _)) => lock
            .map_err(io::Error::other)
            .and_then(|lock| lock)
            .map_err(|error| {
                GoGetError::new(
                    Kind::Local,
                    format!("the lock of the module cache: {error}"),
                )
                .into()
            }),
        Either::Right(_) => Err(Failed::Unwanted),
    }
}
