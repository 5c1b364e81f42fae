//! What the tests stand on: synthetic modules, upstream registries, and the real go command.
//!
//! - [`modules`], [`tree`], [`module_zip`]: modules made at test time, as files of a static GOPROXY or as single zips.
//! - [`server`], [`tls`]: any tower service on 127.0.0.1, with TLS where go asks for it.
//! - [`static_registry`]: an upstream that serves such files, and [`requests`], its record of who asked for what.
//! - [`scripted`]: an upstream that sends what a test dictates, part by part, also wrongly.
//! - [`storages`], [`ask`]: one test for each kind of storage, and a service asked without a server.
//! - [`wire`]: clients over HTTP/1.0, HTTP/1.1 and HTTP/2 that see how an answer ends.
//! - [`tap`], [`answers`], [`kept`]: how far a source is, what a server has answered, what a storage holds.
//! - [`plain_source`], [`faulty_store`]: a source in this process, and a store that goes wrong where it is told to.
//! - [`counters`]: what dashboards would show.
//! - [`respawn`]: this test binary as a process of its own, to be killed or limited.
//! - [`repos`], [`git_host`]: git repositories made at test time, and a host that gives them to some.
//! - [`ssh_host`]: another one, over ssh.
//! - [`company`]: a program of public and private modules.
//! - [`go`]: the go command with a clean environment and a fresh module cache.

// Each test binary compiles all of this and uses a part of it.
#![allow(dead_code, unused_imports, unused_macros, unreachable_pub)]

#[macro_use]
pub mod storages;

pub mod answers;
pub mod ask;
pub mod company;
#[cfg(feature = "metrics")]
pub mod counters;
#[cfg(feature = "fill")]
pub mod faulty_store;
#[cfg(feature = "go-get")]
pub mod git_host;
pub mod go;
pub mod held_store;
#[cfg(feature = "fill")]
pub mod kept;
pub mod module_zip;
pub mod modules;
pub mod plain_source;
#[cfg(feature = "upstream")]
pub mod real_registry;
pub mod repos;
pub mod requests;
pub mod respawn;
pub mod scripted;
pub mod server;
#[cfg(unix)]
pub mod ssh_host;
pub mod static_registry;
pub mod tap;
pub mod tls;
pub mod tree;
pub mod web;
pub mod wire;

pub use answers::Answers;
pub use ask::{ask, get, quiet, read, request, whole, within, within_minutes};
#[cfg(feature = "go-get")]
pub use git_host::GitHost;
pub use go::{Build, Client};
pub use held_store::HeldStore;
#[cfg(feature = "fill")]
pub use kept::Kept;
pub use module_zip::{
    incompressible, large_module_zip, module_zip, not_a_zip, truncated, zip_with_wrong_prefix,
};
pub use modules::{MODULES, Module, escape};
pub use repos::{Repo, Repos};
pub use requests::{Recorded, Requests};
pub use scripted::{Answer, Framing, Gate, ScriptedRegistry, Source, SourceBody};
pub use server::{Port, Server};
#[cfg(unix)]
pub use ssh_host::SshHost;
pub use static_registry::{StaticRegistry, static_files};
pub use tap::Tap;
pub use tls::Tls;
pub use tree::Tree;
pub use web::{WebClient, fetch, web_client};
