//! A storage that is filled while it answers: what the client gets, what the source is asked, and
//! what is stored.
#![cfg(feature = "fill")]

#[macro_use]
#[path = "../support/mod.rs"]
mod support;

mod fixtures;
mod frames;
mod hit;
mod layout;
mod let_go;
mod memory;
#[cfg(target_os = "linux")]
mod not_in_memory;
mod not_stored;
mod on_miss;
mod pass_through;
mod ranges;
mod rejected;
mod silent_source;
mod source_request;
