//! The examples, in front of a registry on this machine.
#![cfg(all(feature = "fill", feature = "upstream"))]

#[path = "../examples/axum_auth.rs"]
#[expect(dead_code, reason = "its main function is for a registry far away")]
mod axum_auth;
mod support;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use support::{Answer, Kept, ScriptedRegistry, within_minutes};
use tower::ServiceExt as _;
use tower_goproxy::Upstream;

const ALICE: &str = "Basic YWxpY2U6b25l";
const BOB: &str = "Basic Ym9iOnR3bw==";

const FORK: &str = "/github.com/acme-fork/tool/@v/v1.0.0.mod";

/// All files of the company's module, in two spellings that GitHub does not tell apart.
fn of_the_company() -> Vec<String> {
    let files = ["list", "v1.0.0.mod", "v1.0.0.zip", "main.info"];
    let modules = ["github.com/acme/tool", "github.com/!acme/tool"];
    let of = |module| files.map(|file| format!("/{module}/@v/{file}"));
    modules.into_iter().flat_map(of).collect()
}

async fn ask(app: &Router, path: &str, who: Option<&str>) -> (StatusCode, HeaderMap, String) {
    let mut request = Request::get(path);
    if let Some(who) = who {
        request = request.header("authorization", who);
    }
    let request = request.body(Body::empty()).unwrap();
    let (head, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&body).into_owned();
    (head.status, head.headers, text)
}

#[tokio::test]
async fn axum_auth_gives_each_team_its_modules() {
    within_minutes(async {
        let registry = ScriptedRegistry::http1(|request| {
            let module = request.path.split("/@").next().unwrap_or_default();
            Answer::new([format!("module {}\n", &module[1..])])
        })
        .await;
        let kept = Kept::in_memory();
        let upstream = Upstream::new(&registry.url()).unwrap();
        let app = axum_auth::app(upstream, kept.storage()).unwrap();
        for turn in ["missing", "stored"] {
            for path in of_the_company()
                .iter()
                .map(String::as_str)
                .chain([FORK, "/"])
            {
                for stranger in [None, Some("Basic Ym9iOm9uZQ=="), Some("Bearer one")] {
                    let (status, headers, _) = ask(&app, path, stranger).await;
                    assert_eq!(status, StatusCode::UNAUTHORIZED, "{turn}: {path}");
                    assert_eq!(headers["www-authenticate"], "Basic realm=\"modules\"");
                }
            }
            for path in of_the_company() {
                let (status, _, text) = ask(&app, &path, Some(BOB)).await;
                assert_eq!(status, StatusCode::FORBIDDEN, "{turn}: {path}");
                assert!(
                    text.ends_with("is excluded: it is for staff only\n"),
                    "{text}"
                );
            }
            if turn == "missing" {
                assert_eq!(registry.requests().total(), 0);
            }
            let own = "/github.com/acme/tool/@v/v1.0.0.mod";
            for (who, path) in [(ALICE, own), (ALICE, FORK), (BOB, FORK)] {
                let (status, headers, text) = ask(&app, path, Some(who)).await;
                assert_eq!(status, StatusCode::OK, "{turn}: {path}");
                assert!(text.starts_with("module github.com/acme"), "{text}");
                let cache = headers["cache-control"].to_str().unwrap();
                assert!(cache.contains("private"), "{cache}");
            }
        }
        assert_eq!(registry.requests().total(), 2);
        registry.shutdown().await;
    })
    .await;
}
