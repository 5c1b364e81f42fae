use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;

/// A store has panicked. The message went to the panic hook.
#[derive(Debug)]
pub(crate) struct Panicked;

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store panicked")
    }
}

impl Error for Panicked {}

/// Work of a store, which is somebody else's code: its panic must cost neither a client its
/// answer nor an upload its abort. Whatever the panic has left half done is the store's own.
pub(crate) async fn caught<T>(work: impl Future<Output = T>) -> Result<T, Panicked> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .map_err(|_message| Panicked)
}
