//! What each kind of version is answered with.

use http::Method;
use serde_json::json;

use crate::setup::{Setup, ask};

const HELLO: &str = "/example.com/team/hello.git";

#[tokio::test]
async fn a_tagged_module_is_answered_in_all_its_files() {
    let setup = Setup::new();
    let repo = setup
        .repos
        .module("team/hello", "example.com/team/hello.git");
    repo.tag("v1.0.0");
    let hash = repo.git(&["rev-parse", "HEAD"]);

    assert_eq!(setup.text(&format!("{HELLO}/@v/list")).await, "v1.0.0\n");
    let info = json!({
        "Version": "v1.0.0",
        "Time": "2024-01-02T03:04:05Z",
        "Origin": {
            "VCS": "git",
            "URL": "https://example.com/team/hello",
            "Hash": hash,
            "Ref": "refs/tags/v1.0.0",
        },
    });
    assert_eq!(setup.json(&format!("{HELLO}/@v/v1.0.0.info")).await, info);
    assert_eq!(setup.json(&format!("{HELLO}/@latest")).await, info);
    assert_eq!(
        setup.text(&format!("{HELLO}/@v/v1.0.0.mod")).await,
        "module example.com/team/hello.git\n\ngo 1.20\n"
    );
    let zip = setup.get(&format!("{HELLO}/@v/v1.0.0.zip")).await;
    assert_eq!(zip.status, 200);
    assert_eq!(zip.headers["content-type"], "application/zip");
    assert_eq!(
        zip.headers["content-length"],
        zip.body.len().to_string().as_str()
    );
    assert!(zip.body.starts_with(b"PK"));
    let head = ask(
        &setup.goget,
        Method::HEAD,
        &format!("{HELLO}/@v/v1.0.0.zip"),
    )
    .await;
    assert_eq!((head.status, head.body.len()), (http::StatusCode::OK, 0));
    assert_eq!(head.headers, zip.headers);
}
