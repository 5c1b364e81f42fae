//! The built-in check of files: the rules of golang.org/x/mod/zip and of the go command, by name, and against it.
#![cfg(feature = "fill")]

mod archive;
mod check;
mod go;
mod hashes;
mod hostile;
mod infos;
mod random;
mod refused;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod taken;
