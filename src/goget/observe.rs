//! Events of the `tracing` feature; nothing without it.

use std::io;

use super::error::{GoGetError, Kind};

/// `event!(level, "what has happened", values...)`.
macro_rules! event {
    ($level:ident, $text:literal $(, $value:ident)*) => {{
        #[cfg(feature = "tracing")]
        tracing::$level!($($value = %$value,)* $text);
        $(let _ = &$value;)*
    }};
}
pub(super) use event;

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
