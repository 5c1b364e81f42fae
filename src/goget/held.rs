//! What a job holds while it runs.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, sleep, timeout};

use super::config::Config;
use super::error::{GoGetError, Kind};
use super::lock::{Shared, try_shared};
use super::ready::setup;
use super::run::Unwanted;
use super::runner::Failed;

/// The pause between two looks at the lock, at most.
const LONGEST: Duration = Duration::from_millis(100);

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

/// Waits for a share of the lock on the module cache, while there is a clean-up.
pub(super) async fn lock(config: &Config, unwanted: &mut Unwanted) -> Result<Shared, Failed> {
    let (begun, mut pause) = (Instant::now(), Duration::from_millis(1));
    loop {
        let folder = config.cache.clone();
        let tried = spawn_blocking(move || try_shared(&folder)).await;
        match tried.map_err(io::Error::other).and_then(|tried| tried) {
            Ok(Some(lock)) => return Ok(lock),
            Ok(None) => {}
            Err(error) => {
                let text = format!("{}: {error}", config.cache.display());
                let shown = "its folder for modules cannot be used";
                return Err(setup(text).showing(shown).into());
            }
        }
        let left = config.max_wait.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(GoGetError::new(Kind::Busy(config.max_wait), "").into());
        }
        let pausing = pin!(sleep(pause.min(left)));
        if let Either::Right(_) = select(pausing, &mut *unwanted).await {
            return Err(Failed::Unwanted);
        }
        pause = (pause * 2).min(LONGEST);
    }
}
