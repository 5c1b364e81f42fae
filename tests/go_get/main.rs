//! Modules out of version control, by the real go command and real git repositories.
#![cfg(feature = "go-get")]

#[path = "../support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
mod abandoned;
#[cfg(target_os = "linux")]
mod cleaned;
mod credentials;
mod environment;
mod errors;
mod full;
#[cfg(target_os = "linux")]
mod hostile;
mod hosts;
#[cfg(target_os = "linux")]
mod killed;
mod looped;
mod missing;
mod netrc;
mod origin;
mod processes;
mod redirected;
mod rotated;
mod secrets;
mod setup;
mod shared;
#[cfg(target_os = "linux")]
mod ssh;
#[cfg(all(feature = "fill", feature = "upstream"))]
mod together;
mod unreachable;
mod versions;
mod wrong_mod;
