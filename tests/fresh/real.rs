//! Real modules, where this machine has a registry.

use std::fs;

use super::go::{Proxied, project};
use super::support::real_registry::real_registry;
use super::support::{Client, Kept};

const TOOL: &str = "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.11";

/// What each command prints and leaves, for a client that has nothing yet; or what the first one says that fails.
async fn commands(goproxy: &str) -> Result<Vec<[String; 3]>, String> {
    let client = Client::new(goproxy);
    let program = "package main\n\nimport \"github.com/spf13/cobra\"\n\nfunc main() { _ = cobra.Command{} }\n";
    let go_mod = "module example.com/program\n\ngo 1.20\n\nrequire github.com/spf13/cobra v1.8.0\n";
    let mut left = Vec::new();
    for args in [
        &["mod", "tidy"][..],
        &["list", "-m", "-u", "all"],
        &["get", "github.com/spf13/cobra@v1.9.1"],
        &["get", "-u", "./..."],
        // Built once: paths do not matter.
        &["install", "-trimpath", TOOL],
    ] {
        let dir = project(go_mod, program);
        let output = client.run_in(dir.path(), args).await;
        if !output.success {
            return Err(format!("{goproxy}: go {args:?}: {}", output.stderr));
        }
        let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap_or_default();
        left.push([output.stdout, read("go.mod"), read("go.sum")]);
    }
    Ok(left)
}

#[tokio::test]
async fn real_modules_are_as_straight_and_stay_when_the_registry_is_away() {
    let info = "/google.golang.org/protobuf/@v/v1.36.11.info";
    let Some(registry) = real_registry(info).await else {
        eprintln!("skipped: no registry of this machine has {TOOL}");
        return;
    };
    let straight = match commands(&registry).await {
        Ok(straight) => straight,
        Err(failed) => {
            eprintln!("skipped: {failed}");
            return;
        }
    };
    let kept = Kept::on_disk();
    let first = Proxied::start(&kept.storage(), &registry, |layer| layer).await;
    let through = commands(&first.server.url()).await;
    if through.is_err()
        && let Err(failed) = commands(&registry).await
    {
        // It is the registry, or the way to it.
        eprintln!("skipped: {failed}");
        return;
    }
    let straight = Ok(straight);
    assert_eq!(through, straight);
    first.idle().await;
    let away = Proxied::start(&kept.storage(), "http://127.0.0.1:9", |layer| layer).await;
    assert_eq!(commands(&away.server.url()).await, straight);
}
