//! Lists, `@latest`, queries and absences: kept for a while, revalidated, and there when the source is not.
#![cfg(all(feature = "fill", feature = "upstream"))]

#[macro_use]
#[path = "../support/mod.rs"]
mod support;

mod absence;
mod absence_bounds;
mod answers;
mod away;
mod broken_storage;
mod completed;
mod conditional;
mod fallback;
mod fixtures;
mod freshness;
mod go;
mod left_alone;
mod moved_tag;
mod offline;
mod owners;
mod real;
mod records;
mod tables;
mod united;
