//! What operators learn of: events of the `tracing` feature, nothing without it.

use super::error::{Kind, UpstreamError};

/// The next attempt at the same registry follows.
pub(super) fn retrying(error: &UpstreamError) {
    event!(debug, error, "asking the upstream again");
}

/// The next registry of the list follows.
pub(super) fn next_entry(error: &UpstreamError) {
    event!(debug, error, "asking the next upstream of the list");
}

/// No answer at all.
pub(super) fn failed(error: &UpstreamError) {
    match error.kind() {
        Kind::NotModule(_) | Kind::Method | Kind::NotFound { .. } | Kind::Off => {}
        Kind::Credentials(_) => event!(error, error, "the upstream refuses our credentials"),
        _ => event!(warn, error, "the upstream has no answer"),
    }
}

/// A body breaks, and the rest is asked for.
pub(super) fn resuming(host: &str, offset: u64, error: &UpstreamError) {
    #[cfg(feature = "tracing")]
    tracing::debug!(host, offset, error = %Chain(error), "resuming a body that broke off");
    #[cfg(not(feature = "tracing"))]
    let _ = (host, offset, error);
}

/// The rest of a body cannot be had.
pub(super) fn not_resumed(host: &str, error: &UpstreamError) {
    #[cfg(feature = "tracing")]
    tracing::debug!(host, error = %Chain(error), "the rest of a body is not to be had");
    #[cfg(not(feature = "tracing"))]
    let _ = (host, error);
}

/// A body breaks for good.
pub(super) fn broken(error: &UpstreamError) {
    event!(warn, error, "a body of the upstream broke off");
}

macro_rules! event {
    ($level:ident, $error:expr, $text:literal) => {{
        #[cfg(feature = "tracing")]
        tracing::$level!(error = %Chain($error), $text);
        #[cfg(not(feature = "tracing"))]
        let _ = $error;
    }};
}
use event;

/// An error with all its causes.
#[cfg(feature = "tracing")]
struct Chain<'a>(&'a UpstreamError);

#[cfg(feature = "tracing")]
impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = std::error::Error::source(self.0);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
