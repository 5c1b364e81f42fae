//! The database of the Go project, where this machine has a registry that answers for it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tower::{Layer as _, ServiceExt as _};
use tower_goproxy::fill::FillLayer;
use tower_goproxy::fresh::FreshLayer;
use tower_goproxy::sumdb::{SumDb, SumDbLayer};
use tower_goproxy::{Storage, Upstream};

use crate::check::whole;
use crate::support::real_registry::{does_straight, real_registry};
use crate::support::{Client, Server};

const DATABASE: &str = "sum.golang.org";
const TOML: &str = "github.com/BurntSushi/toml@v1.5.0";
const COBRA: &str = "github.com/spf13/cobra@v1.9.1";
const HELLO: &str = "golang.org/x/example/hello@latest";

/// A proxy that refuses what the database does not confirm, and a client that reaches nothing else.
struct Proxy {
    registry: String,
    folder: tempfile::TempDir,
    server: Server,
}

impl Proxy {
    async fn start() -> Option<Self> {
        let supported = format!("/sumdb/{DATABASE}/supported");
        let Some(registry) = real_registry(&supported).await else {
            eprintln!("skipped: no registry of this machine answers for {DATABASE}");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::disk(folder.path()).unwrap();
        let sumdb = SumDb::new(&format!("{DATABASE} {registry}/sumdb/{DATABASE}"));
        let sumdb = sumdb.unwrap().storage(storage.clone()).require();
        // However slow the way to it is.
        let sumdb = sumdb.max_wait(Duration::from_secs(120));
        let fill = FillLayer::new(storage.clone()).verify(sumdb.clone());
        let proxy = fill.layer(Upstream::new(&registry).unwrap());
        let proxy = SumDbLayer::new([sumdb]).layer(FreshLayer::new(storage).layer(proxy));
        let server = Server::start(proxy.boxed_clone()).await;
        Some(Self {
            registry,
            folder,
            server,
        })
    }

    fn client(&self) -> Client {
        Client::new(self.server.url())
            .env("GOSUMDB", DATABASE)
            .env("HTTP_PROXY", "http://127.0.0.1:9")
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
    }
}

/// The zips below a folder, by their paths as a proxy has them.
fn zips(folder: &Path) -> Vec<(String, PathBuf)> {
    let (mut zips, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "zip") {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                zips.push((format!("/{name}"), path));
            }
        }
    }
    zips
}

#[tokio::test(flavor = "multi_thread")]
async fn every_zip_of_a_real_build_has_the_hash_of_its_go_sum() {
    let Some(proxy) = Proxy::start().await else {
        return;
    };
    let (client, project) = (proxy.client(), tempfile::tempdir().unwrap());
    let main = "package main\n\n\
        import (\n\t\"github.com/BurntSushi/toml\"\n\t\"github.com/spf13/cobra\"\n)\n\n\
        func main() {\n\t_ = toml.Key{}\n\t_ = cobra.Command{}\n}\n";
    fs::write(project.path().join("main.go"), main).unwrap();
    for args in [
        &["mod", "init", "example.com/project"][..],
        &["get", TOML, COBRA],
        &["mod", "download"],
        &["build", "-o", "program", "."],
        &["install", HELLO],
    ] {
        let output = client.run_in(project.path(), args).await;
        let needed = ["mod", "download", TOML, COBRA, HELLO];
        if !output.success && !does_straight(&proxy.registry, DATABASE, &needed).await {
            return;
        }
        assert!(output.success, "go {args:?}: {}", output.stderr);
    }
    let go_sum = fs::read_to_string(project.path().join("go.sum")).unwrap();
    let downloads = client.module_cache().join("cache/download");
    let zips = zips(&downloads);
    assert!(zips.len() > 5, "{zips:?}");
    for (path, file) in zips {
        let hash = whole(&path, &fs::read(&file).unwrap()).await;
        let hash = hash.unwrap().unwrap();
        let of_go = fs::read_to_string(file.with_extension("ziphash")).unwrap();
        assert_eq!(hash, of_go.trim(), "{path}");
        let stored = proxy.folder.path().join(&path[1..]);
        let beside = fs::read_to_string(stored.with_extension("ziphash")).unwrap();
        assert_eq!(hash, beside, "{path}");
        assert!(
            go_sum.contains(&hash) || path.contains("/x/example/"),
            "{path}: {hash}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_toolchain_is_switched_to_through_the_proxy() {
    let Some(proxy) = Proxy::start().await else {
        return;
    };
    // No test has another one for its own go command.
    let wanted = "go1.27.3";
    let client = proxy.client().env("GOTOOLCHAIN", wanted);
    let output = client.try_go(&["version"]).await;
    let toolchain = "golang.org/toolchain@v0.0.1-go1.27.3.linux-amd64";
    let needed = ["mod", "download", toolchain];
    if !output.success && !does_straight(&proxy.registry, DATABASE, &needed).await {
        return;
    }
    assert!(output.success, "{}", output.stderr);
    assert!(output.stdout.contains(wanted), "{}", output.stdout);
}
