//! What operators should hear of, said once: an event for `tracing` and a counter for `metrics`,
//! each behind its feature.

use std::fmt::Display;
use std::sync::atomic::{AtomicBool, Ordering};

/// How a request for a file was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Answer {
    Hit,
    Miss,
    Attached,
    Bypass,
    /// Something earlier, in place of what a source says now.
    Stale,
}

impl Answer {
    #[cfg(feature = "metrics")]
    fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Attached => "attached",
            Self::Bypass => "bypass",
            Self::Stale => "stale",
        }
    }
}

pub(crate) fn answered(answer: Answer) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_answers_total", "answer" => answer.name()).increment(1);
    let _ = answer;
}

/// The storage failed or stalled. The error names the file.
pub(crate) fn storage_failed(error: &dyn Display) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_storage_failures_total").increment(1);
    #[cfg(feature = "tracing")]
    tracing::warn!(error = %error, "storage failed");
    let _ = error;
}

/// What was found. A storage that fails has nothing.
#[cfg(feature = "fill")]
pub(crate) fn found<T: Default, E: Display>(result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| {
        storage_failed(&error);
        T::default()
    })
}

/// A source failed in a way that its clients are not told about.
pub(crate) fn source_failed(file: &dyn Display, what: &'static str, error: &dyn Display) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_source_failures_total").increment(1);
    #[cfg(feature = "tracing")]
    tracing::warn!(file = %file, error = %error, "{what}");
    let _ = (file, what, error);
}

/// So many requests wait for the source that this one got a 503.
pub(crate) fn refused(file: &dyn Display) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_refused_total").increment(1);
    #[cfg(feature = "tracing")]
    tracing::warn!(file = %file, "refused: too many requests wait for the source");
    let _ = file;
}

/// Something that is logged the first time only.
#[derive(Debug, Default)]
pub(crate) struct Once(AtomicBool);

impl Once {
    pub(crate) fn is_done(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn is_first(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }
}

/// Something that is logged the first time only of each registry.
#[cfg(feature = "fill")]
#[derive(Debug, Default)]
pub(crate) struct OnceEach(std::sync::Mutex<std::collections::HashSet<String>>);

/// A source does not want its files stored.
#[cfg(feature = "fill")]
pub(crate) fn source_says_no_store(once: &OnceEach, registry: &str, file: &dyn Display) {
    if crate::lock::lock(&once.0).insert(registry.to_owned()) {
        #[cfg(feature = "tracing")]
        tracing::warn!(registry, file = %file, "the source says no-store: its files are not stored (said once)");
    }
    let _ = file;
}

/// The plain layout has a file of a module that is direct: it is not served.
pub(crate) fn direct_file_in_plain_layout(once: &Once, file: &dyn Display) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_direct_files_in_plain_layout_total").increment(1);
    if once.is_first() {
        #[cfg(feature = "tracing")]
        tracing::warn!(
            file = %file,
            "a direct module has files in the plain layout, which are not served: \
             copy them below @direct/ if they came from version control (said once)"
        );
    }
    let _ = (once, file);
}

/// How a fill ended that has no file for its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoFile {
    Failed,
    /// A truth about a module: the go command asks for many that do not exist.
    NotFound,
    /// The source has a file, which each client has to fetch for itself.
    Unshared,
    /// Nobody wanted it any more.
    Abandoned,
}

impl NoFile {
    #[cfg(feature = "metrics")]
    fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::NotFound => "not_found",
            Self::Unshared => "unshared",
            Self::Abandoned => "abandoned",
        }
    }
}

/// A fill ended without a file.
pub(crate) fn fill_failed(key: &dyn Display, reason: &dyn Display, how: NoFile) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_fills_total", "end" => how.name()).increment(1);
    #[cfg(feature = "tracing")]
    match how {
        NoFile::Failed => tracing::warn!(file = %key, reason = %reason, "fill failed"),
        _ => tracing::debug!(file = %key, reason = %reason, "fill ended without a file"),
    }
    let _ = (key, reason, how);
}

/// A check could not tell whether a file is right. What it says may name hosts, so clients are not told.
pub(crate) fn check_failed(file: &dyn Display, reason: &dyn Display) {
    #[cfg(feature = "tracing")]
    tracing::warn!(file = %file, reason = %reason, "a check failed");
    let _ = (file, reason);
}

/// A file is wrong.
pub(crate) fn rejected(file: &dyn Display, reason: &dyn Display) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_rejected_total").increment(1);
    #[cfg(feature = "tracing")]
    tracing::warn!(file = %file, reason = %reason, "a file was rejected");
    let _ = (file, reason);
}

/// What a checksum database says cannot be believed.
#[cfg(feature = "sumdb")]
pub(crate) fn sumdb_lies(database: &dyn Display, what: &dyn Display, reason: &dyn Display) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_sumdb_lies_total").increment(1);
    #[cfg(feature = "tracing")]
    tracing::error!(database = %database, request = %what, reason = %reason, "SECURITY: a checksum database is wrong");
    let _ = (database, what, reason);
}

/// A checksum database has signed two trees that are not of one history.
#[cfg(feature = "sumdb")]
pub(crate) fn sumdb_forked(database: &dyn Display, known: u64, new: u64) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_sumdb_forks_total").increment(1);
    #[cfg(feature = "tracing")]
    tracing::error!(
        database = %database,
        known,
        new,
        "SECURITY: a checksum database has signed two histories"
    );
    let _ = (database, known, new);
}

/// A file was kept although the checksum database could not confirm it.
#[cfg(feature = "sumdb")]
pub(crate) fn sumdb_unverified(file: &dyn Display, reason: &dyn Display) {
    #[cfg(feature = "metrics")]
    metrics::counter!("goproxy_sumdb_unverified_total").increment(1);
    #[cfg(feature = "tracing")]
    tracing::warn!(file = %file, reason = %reason, "a file is kept without its checksum");
    let _ = (file, reason);
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
