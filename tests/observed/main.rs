//! What dashboards and logs show of the fills: a counter and an event for what an operator should know.
#![cfg(all(feature = "fill", any(feature = "metrics", feature = "tracing")))]

#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "metrics")]
mod counters;
#[cfg(feature = "tracing")]
mod events;
mod scene;
