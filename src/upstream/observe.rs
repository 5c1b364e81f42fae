//! What operators learn of: events of the `tracing` feature, a gauge of the `metrics` feature, nothing without them.

use super::error::{Kind, UpstreamError};
#[cfg(feature = "tracing")]
use crate::source::chain::Chain;

/// The next attempt at the same registry follows.
pub(super) fn retrying(file: &str, error: &UpstreamError) {
    event!(debug, file, error, "asking the upstream again");
}

/// The next registry of the list follows.
pub(super) fn next_entry(file: &str, error: &UpstreamError) {
    event!(debug, file, error, "asking the next upstream of the list");
}

/// No answer at all.
pub(super) fn failed(file: &str, error: &UpstreamError) {
    match error.kind() {
        Kind::NotModule(_) | Kind::Method => {}
        _ if error.is_not_found() => {}
        Kind::Said(said) if said.is_about_credentials() && said.with_credentials => {
            event!(error, file, error, "the upstream refuses our credentials");
        }
        Kind::Said(said) if said.is_refusal() => {
            event!(info, file, error, "the upstream refuses the file");
        }
        // Said once, when it went away.
        _ if error.is_away() => event!(debug, file, error, "the upstream is away"),
        _ => event!(warn, file, error, "the upstream has no answer"),
    }
}

/// A body breaks, and the rest is asked for.
pub(super) fn resuming(file: &str, offset: u64, error: &UpstreamError) {
    #[cfg(feature = "tracing")]
    tracing::debug!(file, offset, error = %Chain(error), "resuming a body that broke off");
    let _ = (file, offset, error);
}

/// The rest of a body cannot be had.
pub(super) fn not_resumed(file: &str, error: &UpstreamError) {
    event!(debug, file, error, "the rest of a body cannot be requested");
}

/// A body breaks for good.
pub(super) fn broken(file: &str, error: &UpstreamError) {
    event!(warn, file, error, "a body of the upstream broke off");
}

/// A registry does not answer any more.
pub(super) fn away(host: &str, error: &UpstreamError) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("goproxy_upstream_up", "upstream" => host.to_owned()).set(0.0);
    #[cfg(feature = "tracing")]
    tracing::warn!(upstream = host, error = %Chain(error), "the upstream has no answer, and is left alone for a while");
    let _ = (host, error);
}

/// A registry answers, for the first time or again.
pub(super) fn up(host: &str, was_away: bool) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("goproxy_upstream_up", "upstream" => host.to_owned()).set(1.0);
    #[cfg(feature = "tracing")]
    if was_away {
        tracing::info!(upstream = host, "the upstream is back");
    }
    let _ = (host, was_away);
}

macro_rules! event {
    ($level:ident, $file:expr, $error:expr, $text:literal) => {{
        #[cfg(feature = "tracing")]
        tracing::$level!(file = $file, error = %Chain($error), $text);
        let _ = ($file, $error);
    }};
}
use event;
