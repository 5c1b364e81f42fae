//! The filter: where each rule leads, and what is left alone.
#![cfg(all(feature = "fill", feature = "upstream"))]

#[path = "../support/recorder.rs"]
mod recorder;
#[path = "../support/mod.rs"]
mod support;

mod ask;
mod direct;
mod latest;
mod lists;
mod mount;
mod nested;
mod policies;
mod redirected;
mod registry;
mod routes;
mod shared_caches;
mod stored;
mod untouched;
mod versions;
