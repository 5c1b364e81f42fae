//! Checks of what a storage has.
#![cfg(feature = "fill")]

mod beside;
mod changing;
#[path = "../core/scene.rs"]
mod core;
mod meanwhile;
mod removing;
mod resuming;
mod scene;
#[path = "../support/mod.rs"]
#[macro_use]
mod support;
mod verdicts;
