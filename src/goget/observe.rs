//! Events of the `tracing` feature; nothing without it.

use std::io;

use super::error::{GoGetError, Kind};

/// There is no answer.
pub(super) fn failed(error: &GoGetError) {
    #[cfg(feature = "tracing")]
    match error.kind() {
        Kind::NotModule | Kind::Method => {}
        Kind::NotFound => tracing::debug!(error = %error, "version control does not have it"),
        Kind::Setup
        | Kind::Local
        | Kind::Full
        | Kind::OldGo
        | Kind::Credentials
        | Kind::HostKey
        | Kind::Moved
        | Kind::Verification => {
            tracing::error!(error = %error, "the go command has no answer");
        }
        _ => tracing::warn!(error = %error, "the go command has no answer"),
    }
    #[cfg(not(feature = "tracing"))]
    let _: Kind = error.kind();
}

/// A command starts.
pub(super) fn running(args: &[&str]) {
    #[cfg(feature = "tracing")]
    tracing::debug!(?args, "running the go command");
    #[cfg(not(feature = "tracing"))]
    let _ = args;
}

/// A command was killed, since no client waits for it any more.
pub(super) fn abandoned() {
    #[cfg(feature = "tracing")]
    tracing::debug!("command killed: every client has left");
}

/// A run failed with a clone that was there before, so it is tried with an empty one.
pub(super) fn retried(error: &GoGetError) {
    #[cfg(feature = "tracing")]
    tracing::warn!(error = %error, "trying once more with a new clone");
    #[cfg(not(feature = "tracing"))]
    let _ = error;
}

/// Something could not be removed or replaced. That is no error for a client.
pub(super) fn left(what: &str, result: io::Result<()>) {
    #[cfg(feature = "tracing")]
    if let Err(error) = result {
        tracing::error!(error = %error, what, "it stays in the folder of the go command");
    }
    #[cfg(not(feature = "tracing"))]
    let _ = (what, result);
}

/// A body breaks.
pub(super) fn broken(error: &io::Error) {
    #[cfg(feature = "tracing")]
    tracing::warn!(error = %error, "a zip broke off");
    #[cfg(not(feature = "tracing"))]
    let _ = error;
}

/// Clones were removed.
pub(super) fn cleaned(bytes: u64) {
    #[cfg(feature = "tracing")]
    tracing::info!(bytes, "clones removed");
    #[cfg(not(feature = "tracing"))]
    let _ = bytes;
}
