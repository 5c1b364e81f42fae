//! The real go command, once the registry is away.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tower_goproxy::Storage;

use super::fixtures::{Script, broken, info};
use super::go::{Proxied, add, list, project, registry};
use super::support::{Client, Gate, Kept};

/// A tool, a library with packages, and something that they need.
fn world() -> Script {
    let script = Script::default();
    let (tools, lib, base) = (
        "example.com/corp/tools",
        "example.com/corp/lib",
        "example.com/base",
    );
    for version in ["v1.0.0", "v1.1.0"] {
        add(
            &script,
            base,
            version,
            "// Deprecated: use another one.\nmodule example.com/base\n",
            &[("base.go", "package base\n")],
        );
        let needs = format!("module {lib}\n\nrequire {base} v1.0.0\n");
        let code = "package sub\n\nimport _ \"example.com/base\"\n";
        add(&script, lib, version, &needs, &[("sub/sub.go", code)]);
        let needs = format!("module {tools}\n\ngo 1.20\n");
        add(
            &script,
            tools,
            version,
            &needs,
            &[(
                "cmd/hello/main.go",
                "package main\n\nfunc main() { println(\"hello\") }\n",
            )],
        );
    }
    for module in [tools, lib, base] {
        list(&script, module, "v1.0.0\nv1.1.0\n");
        script.set(&format!("/{module}/@latest"), info("v1.1.0"));
    }
    script
}

/// Each command, by a client that has nothing yet, and what it leaves.
async fn commands(goproxy: &str) -> Vec<(String, String)> {
    let program = "package main\n\nimport _ \"example.com/corp/lib/sub\"\n\nfunc main() {}\n";
    let old = "module example.com/program\n\ngo 1.20\n\nrequire (\n\texample.com/corp/lib v1.0.0\n\texample.com/base v1.0.0 // indirect\n)\n";
    let new = "module example.com/program\n\ngo 1.20\n";
    let mut left = Vec::new();
    for (go_mod, args) in [
        (new, &["get", "example.com/corp/lib/sub@latest"][..]),
        (new, &["get", "example.com/corp/lib/sub@v1.0.0"]),
        (new, &["get", "example.com/corp/lib@latest"]),
        (new, &["mod", "tidy"]),
        (old, &["mod", "tidy"]),
        (old, &["get", "-u", "./..."]),
        (old, &["get", "-u"]),
        (old, &["list", "-m", "-u", "all"]),
        (old, &["list", "-m", "-versions", "example.com/corp/lib"]),
        (new, &["install", "example.com/corp/tools/cmd/hello@v1.0.0"]),
        (new, &["install", "example.com/corp/tools/cmd/hello@latest"]),
        (new, &["run", "example.com/corp/tools/cmd/hello@v1.0.0"]),
    ] {
        let dir = project(go_mod, program);
        let output = Client::new(goproxy).run_in(dir.path(), args).await;
        assert!(output.success, "go {}: {}", args.join(" "), output.stderr);
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap_or_default();
        let mut said: Vec<_> = output
            .stderr
            .lines()
            .filter(|line| !line.contains("downloading"))
            .collect();
        said.sort_unstable();
        left.push((
            args.join(" "),
            [
                &*output.stdout,
                &read("go.mod"),
                &read("go.sum"),
                &said.join("\n"),
            ]
            .join("\n--\n"),
        ));
    }
    left
}

/// What was asked for once works without the registry, whatever that does, in this process and after a restart.
#[tokio::test]
async fn what_worked_with_the_registry_works_without() {
    let script = world();
    let up = registry(&script).await;
    let straight = commands(&up.url()).await;
    let kept = Kept::on_disk();
    let first = Proxied::start(&kept.storage(), &up.url(), |layer| layer).await;
    assert_eq!(commands(&first.server.url()).await, straight);
    first.idle().await;
    script.down(broken());
    for proxy in [
        first,
        Proxied::start(&kept.storage(), &up.url(), |layer| layer).await,
    ] {
        assert_eq!(commands(&proxy.server.url()).await, straight);
    }
    let gate = Gate::closed();
    script.down(broken().withheld(&gate));
    let silent = Proxied::start(&kept.storage(), &up.url(), |layer| layer).await;
    assert_eq!(commands(&silent.server.url()).await, straight);
    gate.open();
    let url = up.url();
    up.shutdown().await;
    let refused = Proxied::start(&kept.storage(), &url, |layer| layer).await;
    assert_eq!(commands(&refused.server.url()).await, straight);
}

/// An air gap: a module cache that was copied, and no registry at all.
#[tokio::test]
async fn what_is_stored_is_all_that_there_is_offline() {
    let script = world();
    let up = registry(&script).await;
    let someone = Client::new(up.url());
    let dir = project(
        "module example.com/program\n",
        "package main\n\nimport _ \"example.com/corp/lib/sub\"\n\nfunc main() {}\n",
    );
    assert!(
        someone
            .run_in(
                dir.path(),
                &[
                    "get",
                    "example.com/corp/lib@v1.0.0",
                    "example.com/base@v1.0.0"
                ]
            )
            .await
            .success
    );
    up.shutdown().await;
    let folder = TempDir::new().unwrap();
    copy(
        &someone.module_cache().join("cache/download"),
        folder.path(),
    );
    let storage = Storage::disk(folder.path()).unwrap();
    let offline = Proxied::start(&storage, "off", |layer| layer.offline()).await;
    let online = Proxied::start(&storage, "off", |layer| layer).await;
    for goproxy in [
        offline.server.url(),
        format!("{}/cached-only", online.server.url()),
    ] {
        let dir = project("module example.com/program\n", "");
        let client = Client::new(&goproxy);
        let got = client
            .run_in(dir.path(), &["get", "example.com/corp/lib@latest"])
            .await;
        assert!(got.success, "{goproxy}: {}", got.stderr);
        let go_mod = fs::read_to_string(dir.path().join("go.mod")).unwrap();
        assert!(go_mod.contains("example.com/corp/lib v1.0.0"), "{go_mod}");
        let listed = client
            .go(&["list", "-m", "-versions", "example.com/corp/lib"])
            .await;
        assert_eq!(listed.stdout.trim(), "example.com/corp/lib v1.0.0");
        let missing = client
            .try_go(&["list", "-m", "example.com/corp/tools@latest"])
            .await;
        assert!(
            !missing.success && missing.stderr.contains("404"),
            "{}",
            missing.stderr
        );
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
