//! `examples/proxy`, in release build: axum, the rules, the layer, all of it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, process};

use axum::Router;
use tower::Layer;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::{Storage, Upstream};

use super::{Peer, Stored, serve_dir};
use crate::process::{Cpu, Process};
use crate::roles;

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
    cargo.args([
        "build",
        "--release",
        "--example",
        "proxy",
        "--features",
        "full",
    ]);
    cargo.arg("--target-dir").arg(target);
    // What cargo tells this program of itself is an input of some build scripts: with it cargo
    // would build half of the dependencies again, each time.
    for (name, _) in env::vars_os() {
        let told = [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_CRATE_",
            "CARGO_BIN_",
        ];
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

/// The layer on axum, for as many fills at once as are asked for.
pub fn start_with_places(storage: &Path, upstream: SocketAddr, places: usize) -> Peer {
    let arguments = [
        storage.display().to_string(),
        upstream.to_string(),
        places.to_string(),
    ];
    let (process, address) = Process::own(Cpu::Any, roles::OURS, &arguments);
    Peer {
        name: "ours",
        address: address.parse().expect("an address"),
        process: Some(process),
        stored: Some(Stored::Tree(storage.to_owned())),
    }
}

pub fn serve(arguments: &[String]) -> ! {
    let [storage, upstream, places] = arguments else {
        panic!("a folder, an address and a number");
    };
    let storage = Storage::disk(storage).expect("a folder");
    let layer = FillLayer::new(storage).max_fills(places.parse().expect("a number"));
    let upstream = Upstream::new(&format!("http://{upstream}")).expect("a registry");
    serve_dir::listen(Router::new().fallback_service(layer.layer(upstream)))
}
