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
mod away;
mod axum;
mod body;
mod conditional;
mod credentials;
mod direct;
mod encoded;
mod env;
#[cfg(feature = "metrics")]
mod gauge;
mod go_list;
mod go_netrc;
mod list;
mod redirect;
mod refusals;
mod resume;
mod script;
mod server;
mod small;
#[path = "../support/mod.rs"]
mod support;
mod time;
mod tls;
#[cfg(feature = "tracing")]
mod trace;
