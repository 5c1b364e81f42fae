//! What operators learn of: events of the `tracing` feature, nothing without it.

use std::io;

use super::error::{GoGetError, Kind};

/// No answer at all.
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

/// A command was killed since nobody waits for it any more.
pub(super) fn abandoned() {
    #[cfg(feature = "tracing")]
    tracing::debug!("command killed: every client has left");
}

/// A private folder could not be removed.
pub(super) fn home_stays(error: &io::Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(error = %error, "a folder with credentials cannot be removed");
    #[cfg(not(feature = "tracing"))]
    let _ = error;
}

/// A clone could not be looked at or removed.
pub(super) fn not_mended(error: &io::Error) {
    #[cfg(feature = "tracing")]
    tracing::error!(error = %error, "what a command has left half made cannot be removed");
    #[cfg(not(feature = "tracing"))]
    let _ = error;
}

/// A clone was broken, and is made anew.
pub(super) fn discarded(error: &GoGetError) {
    #[cfg(feature = "tracing")]
    tracing::warn!(error = %error, "a broken clone was removed");
    #[cfg(not(feature = "tracing"))]
    let _ = error;
}

/// A body breaks.
pub(super) fn broken(error: &io::Error) {
    #[cfg(feature = "tracing")]
    tracing::warn!(error = %error, "a file of the module cache broke off");
    #[cfg(not(feature = "tracing"))]
    let _ = error;
}

/// The module cache was cleaned, or could not be.
pub(super) fn cleaned(result: &io::Result<u64>) {
    #[cfg(feature = "tracing")]
    match result {
        Ok(0) => {}
        Ok(bytes) => tracing::info!(bytes, "module cache cleaned"),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            tracing::warn!("the module cache is beyond its bounds, and commands run all the time");
        }
        Err(error) => tracing::error!(error = %error, "the module cache cannot be cleaned"),
    }
    #[cfg(not(feature = "tracing"))]
    let _ = result;
}
