//! A storage that fails or stalls costs no client a byte: the file is just not kept, and the next request asks again.
#![cfg(feature = "fill")]

#[path = "../support/mod.rs"]
mod support;

mod commits;
mod fills;
mod hits;
mod look_up;
mod proxy;
