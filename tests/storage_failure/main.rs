//! A storage that fails or stalls costs no client a byte of a checked file: it is just not kept, and the next request asks
//! again. What cannot be checked is not shared.
#![cfg(feature = "fill")]

#[path = "../support/mod.rs"]
mod support;

mod commits;
mod fills;
mod hits;
mod look_up;
mod proxy;
