//! `examples/proxy`, in release build: axum, the rules, the layer, all of it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, process};

use super::{Peer, Stored};
use crate::process::{Cpu, Process};

/// What a client gets that asks for a missing file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Miss {
    Stream,
    /// Store, then serve.
    Wait,
}

/// Builds the example beside this program.
pub fn build() -> PathBuf {
    let this = env::current_exe().expect("this program");
    // target/release/deps/compare-…
    let release = this.ancestors().nth(2).expect("cargo's folders");
    let target = release.parent().expect("cargo's folders");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    cargo.args(["build", "--release", "--example", "proxy", "--features", "full"]);
    cargo.arg("--target-dir").arg(target);
    // What cargo tells this program of itself is an input of some build scripts: with it cargo
    // would build half of the dependencies again, each time.
    for (name, _) in env::vars_os() {
        let told = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"];
        let text = name.to_string_lossy();
        if told.iter().any(|prefix| text.starts_with(prefix)) {
            cargo.env_remove(&name);
        }
    }
    match cargo.status() {
        Ok(status) if status.success() => target.join("release/examples/proxy"),
        failed => {
            eprintln!("{cargo:?}: {failed:?}");
            process::exit(1);
        }
    }
}

/// One with a storage of this folder.
pub fn start(program: &Path, storage: &Path, upstream: SocketAddr, miss: Miss, cpu: Cpu) -> Peer {
    let miss_name = match miss {
        Miss::Stream => "stream",
        Miss::Wait => "wait",
    };
    let arguments = [
        "--listen=127.0.0.1:0".to_owned(),
        format!("--storage={}", storage.display()),
        format!("--upstream=http://{upstream}"),
        format!("--on-miss={miss_name}"),
    ];
    let (process, line) = Process::telling(cpu, program, &arguments);
    let address = line.rsplit("//").next().unwrap_or_default();
    Peer {
        name: match miss {
            Miss::Stream => "ours",
            Miss::Wait => "store, then serve",
        },
        address: address.parse().expect("an address"),
        process: Some(process),
        stored: Some(Stored::Tree(storage.to_owned())),
    }
}
