//! The files of one version, as they are answered.

use http::{Method, StatusCode};
use serde_json::json;

use crate::setup::{HELLO, Setup, ask};

#[tokio::test]
async fn all_resources_of_a_tagged_module() {
    let setup = Setup::new();
    let repo = setup.hello();
    repo.tag("v1.0.0");
    let info = json!({
        "Version": "v1.0.0",
        "Time": "2024-01-02T03:04:05Z",
        "Origin": {
            "VCS": "git",
            "URL": "https://example.com/team/hello",
            "Hash": repo.git(&["rev-parse", "HEAD"]),
            "Ref": "refs/tags/v1.0.0",
        },
    });
    assert_eq!(setup.json(&format!("/{HELLO}/@latest")).await, info);
    assert_eq!(setup.json(&format!("/{HELLO}/@v/v1.0.0.info")).await, info);
    assert_eq!(
        setup.text(&format!("/{HELLO}/@v/v1.0.0.mod")).await,
        "module example.com/team/hello.git\n\ngo 1.20\n"
    );
    for (name, content_type) in [
        ("@v/list", "text/plain; charset=utf-8"),
        ("@latest", "application/json"),
        ("@v/main.info", "application/json"),
        ("@v/v1.0.0.info", "application/json"),
        ("@v/v1.0.0.mod", "text/plain; charset=utf-8"),
        ("@v/v1.0.0.zip", "application/zip"),
    ] {
        let path = format!("/{HELLO}/{name}");
        let answer = setup.get(&path).await;
        assert_eq!(answer.status, 200, "{name}");
        assert_eq!(answer.headers["content-type"], content_type);
        let len = answer.body.len().to_string();
        assert_eq!(answer.headers["content-length"], len.as_str(), "{name}");
        let head = ask(&setup.goget, Method::HEAD, &path).await;
        assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
        assert_eq!(head.headers, answer.headers);
    }
}

/// The info of a query holds what is so of the version, not of what was asked for.
#[tokio::test]
async fn the_branch_that_was_asked_for_is_no_origin_of_a_tagged_version() {
    let setup = Setup::new();
    let repo = setup.hello();
    repo.tag("v1.0.0");
    let info = setup.json(&format!("/{HELLO}/@v/main.info")).await;
    assert_eq!(info["Version"], "v1.0.0");
    assert_ne!(info["Origin"]["Ref"], "refs/heads/main");
    repo.commit("two");
    let info = setup.json(&format!("/{HELLO}/@v/main.info")).await;
    assert_ne!(info["Version"], "v1.0.0");
    assert!(info["Origin"].get("Ref").is_none(), "{info}");
}

/// What is in the module cache is there for ever.
#[tokio::test]
async fn what_was_asked_once_needs_no_repository() {
    let setup = Setup::new();
    setup.hello().tag("v1.0.0");
    let mut files = Vec::new();
    for extension in ["info", "mod", "zip"] {
        let path = format!("/{HELLO}/@v/v1.0.0.{extension}");
        files.push((setup.get(&path).await.body, path));
    }
    std::fs::remove_dir_all(setup.repos.root().join("team")).unwrap();
    for (body, path) in files {
        assert_eq!(setup.get(&path).await.body, body, "{path}");
    }
}
