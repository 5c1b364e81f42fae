//! What these tests use of the crate's: made-up modules, registries, git hosts, clients.

// Each test binary uses a part of it.
#![allow(dead_code, unused_imports, unreachable_pub)]

#[path = "../../../../tests/support/ask.rs"]
pub mod ask;
#[path = "../../../../tests/support/company.rs"]
pub mod company;
#[path = "../../../../tests/support/git_host.rs"]
pub mod git_host;
#[path = "../../../../tests/support/go.rs"]
pub mod go;
#[path = "../../../../tests/support/kept.rs"]
pub mod kept;
#[path = "../../../../tests/support/module_zip.rs"]
pub mod module_zip;
#[path = "../../../../tests/support/modules.rs"]
pub mod modules;
#[path = "../../../../tests/support/real_registry.rs"]
pub mod real_registry;
#[path = "../../../../tests/support/repos.rs"]
pub mod repos;
#[path = "../../../../tests/support/requests.rs"]
pub mod requests;
#[path = "../../../../tests/support/scripted/mod.rs"]
pub mod scripted;
#[path = "../../../../tests/support/server.rs"]
pub mod server;
#[path = "../../../../tests/support/static_registry.rs"]
pub mod static_registry;
#[path = "../../../../tests/support/tls.rs"]
pub mod tls;
#[path = "../../../../tests/support/tree.rs"]
pub mod tree;
#[path = "../../../../tests/support/web.rs"]
pub mod web;
#[path = "../../../../tests/support/wire/mod.rs"]
pub mod wire;

pub use ask::{read, within, within_minutes};
pub use git_host::GitHost;
pub use go::{Build, Client};
pub use kept::Kept;
pub use module_zip::large_module_zip;
pub use repos::Repos;
pub use requests::{Recorded, Requests};
pub use scripted::{Answer, Gate, ScriptedRegistry, Source};
pub use server::{Port, Server};
pub use static_registry::StaticRegistry;
pub use tls::Tls;
pub use tree::Tree;
pub use web::{fetch, web_client};
