//! What the core of the proxy promises: fills, storages and checks, seen from outside.
#![cfg(feature = "fill")]

#[path = "../support/mod.rs"]
#[macro_use]
mod support;

mod scene;

mod aborted;
mod admission;
mod areas;
mod bad_checks;
mod counters;
mod disk_full;
mod head;
mod native;
mod on_miss;
mod pace;
mod privacy;
mod publishing;
mod ranges;
mod readers;
mod removed;
mod shown;
mod source_says;
mod stored;
mod validators;
mod verify;
mod without_room;
mod wrong;
