//! The real go command, which reaches nothing but the proxy.

use std::fs;
use std::path::Path;

use tower::{Layer as _, ServiceExt as _};
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;
use tower_goproxy::sumdb::{SumDb, SumDbLayer};

use crate::check::whole;
use crate::database::{Database, EMPTY_MOD, EMPTY_ZIP, KEY};
use crate::support::go::Output;
use crate::support::{Client, Requests, Server, module_zip, static_files};

/// A registry, a database with what it has, and a proxy in front of both.
struct Company {
    registry: tempfile::TempDir,
    database: Database,
    _database_server: Server,
    proxy: Server,
}

impl Company {
    /// `verifies`: the proxy too, not the clients alone.
    async fn new(verifies: bool) -> Self {
        let registry = tempfile::tempdir().unwrap();
        let database = Database::with_records(300);
        let database_server = Server::start(database.service()).await;
        let storage = Storage::memory();
        let key = format!("{KEY} {}", database_server.url());
        let sumdb = SumDb::new(&key).unwrap().storage(storage.clone());
        let mut fill = FillLayer::new(storage).area(Area::Included);
        if verifies {
            fill = fill.verify(sumdb.clone());
        }
        let files = static_files(registry.path(), &Requests::new());
        let proxy = SumDbLayer::new([sumdb]).layer(fill.layer(files));
        let proxy = Server::start(proxy.boxed_clone()).await;
        Self {
            registry,
            database,
            _database_server: database_server,
            proxy,
        }
    }

    async fn add(&self, module: &str, version: &str, zip: &[u8]) {
        self.add_as(module, version, module, zip).await;
    }

    /// Its `go.mod` says this path.
    async fn add_as(&self, module: &str, version: &str, path: &str, zip: &[u8]) {
        let go_mod = format!("module {path}\n");
        let at = format!("{module}/@v/{version}");
        self.write(
            &format!("{at}.info"),
            format!(r#"{{"Version":"{version}"}}"#).as_bytes(),
        );
        self.write(&format!("{at}.mod"), go_mod.as_bytes());
        self.write(&format!("{at}.zip"), zip);
        let zip = whole(&format!("/{at}.zip"), zip).await.unwrap().unwrap();
        let go_mod = whole(&format!("/{at}.mod"), go_mod.as_bytes())
            .await
            .unwrap()
            .unwrap();
        self.database.add(module, version, &zip, &go_mod);
    }

    fn write(&self, path: &str, content: &[u8]) {
        let path = self.registry.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn client(&self) -> Client {
        Client::new(self.proxy.url())
            .env("GOSUMDB", KEY)
            // Nothing else can be reached.
            .env("HTTP_PROXY", "http://127.0.0.1:9")
            .env("HTTPS_PROXY", "http://127.0.0.1:9")
    }

    async fn download(&self, client: &Client, module: &str) -> Output {
        client.try_go(&["mod", "download", module]).await
    }
}

fn zip(module: &str, text: &str) -> Vec<u8> {
    let go_mod = format!("module {module}\n");
    let files = [("go.mod", go_mod.as_bytes()), ("a.go", text.as_bytes())];
    module_zip(module, "v1.0.0", &files)
}

#[tokio::test]
async fn downloads_are_verified_by_the_database_behind_the_proxy() {
    for verifies in [true, false] {
        let company = Company::new(verifies).await;
        let client = company.client();
        for module in ["example.com/a", "example.com/b"] {
            company
                .add(module, "v1.0.0", &zip(module, "package a\n"))
                .await;
            let output = company.download(&client, &format!("{module}@v1.0.0")).await;
            assert!(output.success, "{}", output.stderr);
            // The next look-up finds a larger tree.
            company
                .database
                .add("example.com/more", "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
        }
    }
}

#[tokio::test]
async fn another_zip_than_that_of_the_database() {
    let (module, at) = ("example.com/a", "example.com/a/@v/v1.0.0.zip");
    for (verifies, text) in [
        (true, "checksum mismatch: the file has h1:"),
        (false, "SECURITY ERROR"),
    ] {
        let company = Company::new(verifies).await;
        company
            .add(module, "v1.0.0", &zip(module, "package a\n"))
            .await;
        company.write(at, &zip(module, "package evil\n"));
        let output = company
            .download(&company.client(), "example.com/a@v1.0.0")
            .await;
        assert!(!output.success);
        assert!(output.stderr.contains(text), "{}", output.stderr);
    }
}

#[tokio::test]
async fn a_database_that_lies_is_seen_by_the_proxy() {
    let module = "example.com/a";
    let company = Company::new(true).await;
    company
        .add(module, "v1.0.0", &zip(module, "package a\n"))
        .await;
    company.database.tamper(|path, mut body| {
        if path.starts_with("tile/") {
            body[0] ^= 1;
        }
        body
    });
    let output = company
        .download(&company.client(), "example.com/a@v1.0.0")
        .await;
    assert!(!output.success);
    assert!(
        output.stderr.contains("cannot be believed"),
        "{}",
        output.stderr
    );
    company.database.is_honest();
    let output = company
        .download(&company.client(), "example.com/a@v1.0.0")
        .await;
    assert!(output.success, "{}", output.stderr);
}

/// A fork keeps the module line of its origin: the go command takes it by `replace`.
#[tokio::test]
async fn a_fork_whose_go_mod_has_the_path_of_its_origin() {
    let company = Company::new(true).await;
    let files = [
        ("go.mod", &b"module example.com/origin\n"[..]),
        ("a.go", b"package origin\n"),
    ];
    let (fork, version) = ("example.com/fork", "v1.0.0");
    let zip = module_zip(fork, version, &files);
    company
        .add_as(fork, version, "example.com/origin", &zip)
        .await;
    let project = tempfile::tempdir().unwrap();
    let go_mod = "module example.com/project\n\n\
        require example.com/origin v1.0.0\n\n\
        replace example.com/origin => example.com/fork v1.0.0\n";
    fs::write(project.path().join("go.mod"), go_mod).unwrap();
    let main = "package main\n\nimport _ \"example.com/origin\"\n\nfunc main() {}\n";
    fs::write(project.path().join("main.go"), main).unwrap();
    let output = company
        .client()
        .run_in(project.path(), &["build", "-o", "program"])
        .await;
    assert!(output.success, "{}", output.stderr);
}

/// The go command verifies toolchains whatever its settings are.
#[tokio::test]
async fn a_toolchain_is_switched_through_the_proxy() {
    let company = Company::new(true).await;
    let version = format!("v0.0.1-go1.99.0.{}-{}", go_os(), go_arch());
    let script = b"#!/bin/sh\necho made-up toolchain \"$@\"\n";
    let files = [
        ("VERSION", &b"go1.99.0\n"[..]),
        ("bin/go", script),
        ("bin/gofmt", script),
        ("lib/wasm/x", b"x"),
        ("pkg/tool/x/compile", script),
    ];
    let module = "golang.org/toolchain";
    company
        .add(module, &version, &module_zip(module, &version, &files))
        .await;
    let client = company.client().env("GOTOOLCHAIN", "go1.99.0");
    let output = client.try_go(&["version"]).await;
    assert!(output.success, "{}", output.stderr);
    assert_eq!(output.stdout, "made-up toolchain version\n");
    assert!(
        Path::new(&client.module_cache())
            .join("golang.org")
            .exists()
    );
}

fn go_os() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        os => os,
    }
}

fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        arch => arch,
    }
}
