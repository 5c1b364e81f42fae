//! Events of the `tracing` feature; nothing without it.

use std::io;

use super::error::{GoGetError, Kind};

macro_rules! event {
    ($level:ident, $text:literal $(, $value:ident)*) => {{
        #[cfg(feature = "tracing")]
        tracing::$level!($($value = %$value,)* $text);
        $(let _ = &$value;)*
    }};
}

/// There is no answer.
pub(super) fn failed(error: &GoGetError) {
    match error.kind() {
        Kind::NotModule | Kind::Method => {}
        Kind::NotFound => event!(debug, "version control does not have it", error),
        Kind::Setup
        | Kind::Local
        | Kind::Full
        | Kind::OldGo
        | Kind::Credentials
        | Kind::HostKey
        | Kind::Moved
        | Kind::Verification => event!(error, "the go command has no answer", error),
        _ => event!(warn, "the go command has no answer", error),
    }
}

/// A command starts.
pub(super) fn running(args: &[&str]) {
    let args = args.join(" ");
    event!(debug, "running the go command", args);
}

/// A command was killed, since no client waits for it any more.
pub(super) fn abandoned() {
    event!(debug, "command killed: every client has left");
}

/// A run failed with a clone that was there before, so it is tried with an empty one.
pub(super) fn retried(error: &GoGetError) {
    event!(warn, "trying once more with a new clone", error);
}

/// Something could not be removed or replaced. That is no error for a client.
pub(super) fn left_over(what: &str, result: io::Result<()>) {
    if let Err(error) = result {
        event!(
            error,
            "it stays in the folder of the go command",
            error,
            what
        );
    }
}

/// A body breaks.
pub(super) fn broken(error: &io::Error) {
    event!(warn, "a zip broke off", error);
}

/// Clones were removed.
pub(super) fn cleaned(bytes: u64) {
    event!(info, "clones removed", bytes);
}
