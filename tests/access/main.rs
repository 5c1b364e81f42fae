//! Who is asking decides what they get: modules out of repositories that not everybody may see.
#![cfg(all(feature = "fill", feature = "go-get", target_os = "linux"))]

#[path = "../go_get/setup.rs"]
#[allow(dead_code)] // A part of it is used here.
mod setup;
#[path = "../support/mod.rs"]
mod support;

#[path = "../go_get/processes.rs"]
#[allow(dead_code)] // A part of it is used here.
mod processes;

#[path = "../go_get/cleaned.rs"]
#[allow(dead_code)] // A part of it is used here.
mod cleaned;

mod filled;
mod fills;
mod go_command;
mod many;
mod owners;
mod scene;
mod secrets;
mod service_own;
