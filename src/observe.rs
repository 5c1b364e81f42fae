//! What operators should hear of, said once: an event for `tracing` and a counter for `metrics`,
//! each behind its feature.

use std::fmt::Display;

/// How a request for a file was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Hit,
    Miss,
    Attached,
    Bypass,
}

impl Answer {
    #[cfg(feature = "metrics")]
    fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Attached => "attached",
            Self::Bypass => "bypass",
        }
    }
}

pub(crate) fn answered(answer: Answer) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_answers_total", "answer" => answer.name()).increment(1);
    let _ = answer;
}

/// The storage failed or stalled. Clients do not notice.
pub(crate) fn storage_failed(error: &dyn Display) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_storage_failures_total").increment(1);
    #[cfg(feature = "tracing")]
    tracing::warn!(error = %error, "storage failed");
    let _ = error;
}

/// A source failed in a way that its clients are not told about.
pub(crate) fn source_failed(what: &'static str, error: &dyn Display) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_source_failures_total").increment(1);
    #[cfg(feature = "tracing")]
    tracing::warn!(error = %error, "{what}");
    let _ = (what, error);
}

/// A fill ended without a file because the source has none. That is a truth about a module: the go command
/// asks for many that do not exist.
pub(crate) fn fill_found_nothing(key: &dyn Display, reason: &dyn Display) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_fills_total", "end" => "not_found").increment(1);
    #[cfg(feature = "tracing")]
    tracing::debug!(file = %key, reason = %reason, "fill ended: there is no such file");
    let _ = (key, reason);
}

/// A fill ended without a file that there may be.
pub(crate) fn fill_failed(key: &dyn Display, reason: &dyn Display) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_fills_total", "end" => "failed").increment(1);
    #[cfg(feature = "tracing")]
    tracing::warn!(file = %key, reason = %reason, "fill failed");
    let _ = (key, reason);
}

/// A fill ended, and the whole file was good. `kept` says whether the storage has it.
pub(crate) fn fill_ended(key: &dyn Display, bytes: u64, kept: bool) {
    #[cfg(feature = "metrics")]
    {
        metrics::counter!("goproxy_fills_total", "end" => if kept { "stored" } else { "not_kept" })
            .increment(1);
        metrics::counter!("goproxy_fill_bytes_total").increment(bytes);
    }
    #[cfg(feature = "tracing")]
    tracing::debug!(file = %key, bytes, kept, "fill ended");
    let _ = (key, bytes, kept);
}

/// A fill was given up because nobody wanted its file any more.
pub(crate) fn fill_abandoned(key: &dyn Display) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_fills_total", "end" => "abandoned").increment(1);
    #[cfg(feature = "tracing")]
    tracing::debug!(file = %key, "fill abandoned: every client has left");
    let _ = key;
}
