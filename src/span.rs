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

/// Carries the current subscriber and span of `tracing` to a thread.
#[cfg(all(feature = "go-get", feature = "tracing"))]
pub(crate) fn with_current_span<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let log = tracing::dispatcher::get_default(Clone::clone);
    let span = tracing::Span::current();
    move || tracing::dispatcher::with_default(&log, || span.in_scope(work))
}

#[cfg(all(feature = "go-get", not(feature = "tracing")))]
pub(crate) fn with_current_span<T>(work: impl FnOnce() -> T) -> impl FnOnce() -> T {
    work
}
