//! The documented command that takes over direct files of an older storage.
#![cfg(all(feature = "fill", target_os = "linux"))]

use std::convert::Infallible;
use std::fs;
use std::process::Command;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use tempfile::TempDir;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;

const DOCS: &str = include_str!("../src/storage/mod.rs");

fn documented_command() -> &'static str {
    let mut lines = DOCS.lines().filter_map(|line| line.strip_prefix("//! "));
    lines
        .find(|line| line.contains("cp -al"))
        .expect("the docs show it")
}

#[tokio::test]
async fn direct_files_of_the_plain_layout_are_hits_once_they_are_copied() {
    let folder = TempDir::new().unwrap();
    let modules = [
        "git.corp.example/team/m",
        "github.com/acme-tools/m",
        "github.com/other/m",
    ];
    for module in modules {
        let at = folder.path().join(module).join("@v");
        fs::create_dir_all(&at).unwrap();
        fs::write(at.join("v1.0.0.mod"), format!("module {module}\n")).unwrap();
    }
    let source = service_fn(|_: Request<Empty<Bytes>>| async {
        Ok::<_, Infallible>(Response::new("module from.the/source\n".to_owned()))
    });
    let layer = FillLayer::new(Storage::disk(folder.path()).unwrap()).area(Area::Direct);
    let (proxy, fills) = (layer.layer(source), layer.fills());
    let get = async |module: &str| {
        let request = Request::get(format!("/{module}/@v/v1.0.0.mod")).body(());
        let response = proxy.clone().oneshot(request.unwrap()).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        fills.idle().await;
        String::from_utf8(body.into()).unwrap()
    };

    let shell = Command::new("sh")
        .args(["-c", documented_command()])
        .current_dir(folder.path())
        .status();
    assert!(shell.unwrap().success());
    for module in &modules[..2] {
        assert_eq!(get(module).await, format!("module {module}\n"));
    }
    assert_eq!(get(modules[2]).await, "module from.the/source\n");
}
