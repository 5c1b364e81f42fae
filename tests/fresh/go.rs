//! A proxy and a registry for the real go command.

use std::fs;

use tempfile::TempDir;
use tower::{Layer as _, ServiceBuilder};
use tower_goproxy::fill::FillLayer;
use tower_goproxy::fresh::{CachedOnlyLayer, FreshLayer};
use tower_goproxy::source::Tasks;
use tower_goproxy::{Storage, Upstream};

use super::fixtures::Script;
use super::support::{Answer, ScriptedRegistry, Server, module_zip};

/// A proxy in front of a registry.
pub struct Proxied {
    pub server: Server,
    refreshes: Tasks,
    fills: Tasks,
}

impl Proxied {
    pub async fn start(
        storage: &Storage,
        registry: &str,
        set: impl FnOnce(FreshLayer) -> FreshLayer,
    ) -> Self {
        let fill = FillLayer::new(storage.clone());
        let fresh = set(FreshLayer::new(storage.clone()));
        let (refreshes, fills) = (fresh.refreshes(), fill.fills());
        let upstream = Upstream::new(registry).unwrap();
        let app = ServiceBuilder::new()
            .layer(CachedOnlyLayer::new())
            .layer(fresh)
            .service(fill.layer(upstream));
        Self {
            server: Server::start(app).await,
            refreshes,
            fills,
        }
    }

    pub async fn idle(&self) {
        self.refreshes.idle().await;
        self.fills.idle().await;
    }
}

pub async fn registry(script: &Script) -> ScriptedRegistry {
    let script = script.clone();
    ScriptedRegistry::http1(move |request| script.answer(request)).await
}

/// A version with files of its own.
pub fn add(script: &Script, module: &str, version: &str, go_mod: &str, files: &[(&str, &str)]) {
    let at = format!("/{module}/@v/{version}");
    let mut all = vec![("go.mod", go_mod.as_bytes())];
    all.extend(files.iter().map(|(name, text)| (*name, text.as_bytes())));
    script.add(module, version);
    script.set(&format!("{at}.mod"), Answer::new([go_mod.to_owned()]));
    script.set(
        &format!("{at}.zip"),
        Answer::new([module_zip(module, version, &all)]),
    );
}

pub fn list(script: &Script, module: &str, text: &str) {
    script.set(
        &format!("/{module}/@v/list"),
        Answer::new([text.to_owned()]),
    );
}

pub fn project(go_mod: &str, program: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("go.mod"), go_mod).unwrap();
    if !program.is_empty() {
        fs::write(dir.path().join("main.go"), program).unwrap();
    }
    dir
}
