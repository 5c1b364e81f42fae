//! Modules out of version control, by the real go command and real git repositories.
#![cfg(feature = "go-get")]

#[path = "../support/mod.rs"]
mod support;

mod setup;
mod versions;
