//! `Upstream`, against registries of the tests' own on this machine and client services without a socket.
#![cfg(feature = "upstream")]
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::future_not_send,
    reason = "these are tests"
)]

mod answers;
mod ask;
mod axum;
mod body;
mod credentials;
mod env;
mod list;
mod redirect;
mod resume;
mod script;
mod server;
mod time;
mod tls;
#[cfg(feature = "tracing")]
mod trace;
