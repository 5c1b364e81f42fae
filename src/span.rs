//! Tasks that tell their story in the span of the request that started them.

use std::future::Future;

/// Carries the current span of `tracing` into a task.
#[cfg(feature = "tracing")]
pub(crate) fn in_current_span<F: Future>(task: F) -> impl Future<Output = F::Output> {
    tracing::Instrument::in_current_span(task)
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn in_current_span<F: Future>(task: F) -> impl Future<Output = F::Output> {
    task
}
