//! Files against a checksum database, and the database through the proxy.
#![cfg(feature = "sumdb")]

#[path = "../verify/check.rs"]
mod check;
#[path = "../core/scene.rs"]
mod core;
mod counters;
mod database;
mod forged;
mod go_command;
mod marks;
mod outcomes;
mod proxied;
mod real;
mod scene;
mod stored;
mod supported;
#[path = "../support/mod.rs"]
#[macro_use]
mod support;
