//! A registry that has moved a tag to another commit.

use http::StatusCode;
use tower::{Layer as _, ServiceBuilder};
use tower_goproxy::fill::FillLayer;
use tower_goproxy::fresh::FreshLayer;
use tower_goproxy::{SameCommit, Storage, Upstream};

use super::fixtures::Script;
use super::support::{Answer, Kept, ScriptedRegistry, ask, get, module_zip, whole, within_minutes};

const AT: &str = "/example.com/m/@v/v1.0.0";

/// The three files of the version, of this commit.
fn tag(script: &Script, commit: &str) {
    let go_mod = format!("module example.com/m // {commit}\n");
    let zip = module_zip("example.com/m", "v1.0.0", &[("go.mod", go_mod.as_bytes())]);
    let info = format!("{{\"Version\":\"v1.0.0\",\"Origin\":{{\"Hash\":\"{commit}\"}}}}");
    script
        .set(&format!("{AT}.info"), Answer::new([info]))
        .set(&format!("{AT}.mod"), Answer::new([go_mod]))
        .set(&format!("{AT}.zip"), Answer::new([zip]));
}

/// What a process that begins now answers, once it has done what it does behind its answers.
async fn status_of(storage: &Storage, registry: &str, files: &[&str]) -> Vec<(StatusCode, String)> {
    let fill = FillLayer::new(storage.clone());
    let fresh = FreshLayer::new(storage.clone());
    let upstream = SameCommit::new(Upstream::new(registry).unwrap(), storage.clone());
    let app = ServiceBuilder::new()
        .layer(fresh.clone())
        .service(fill.layer(upstream));
    let mut answers = Vec::new();
    for file in files {
        let response = ask(&app, get(&format!("{AT}.{file}"))).await;
        let status = response.status();
        let body = whole(response.into_body()).await.unwrap();
        answers.push((status, String::from_utf8_lossy(&body).into_owned()));
        fresh.refreshes().idle().await;
        fill.fills().idle().await;
    }
    answers
}

#[tokio::test]
async fn no_file_of_one_commit_is_stored_beside_one_of_another() {
    within_minutes(async {
        for (stored, wanted) in [
            (&["info"][..], "zip"),
            (&["mod"], "zip"),
            (&["info"], "mod"),
            (&["mod"], "info"),
            (&["info", "mod"], "zip"),
        ] {
            let (script, kept) = (Script::default(), Kept::in_memory());
            let answers = script.clone();
            let registry = ScriptedRegistry::http1(move |request| answers.answer(request)).await;
            let (storage, url) = (kept.storage(), registry.url());
            tag(&script, "aaaa");
            for (status, _) in status_of(&storage, &url, stored).await {
                assert_eq!(status, StatusCode::OK);
            }
            tag(&script, "bbbb");
            let what = format!("{stored:?} {wanted}");
            for (status, text) in status_of(&storage, &url, &[wanted, wanted]).await {
                assert_eq!(status, StatusCode::BAD_GATEWAY, "{what}");
                let reason = "example.com/m@v1.0.0 has moved to another commit since its .";
                assert!(text.starts_with(reason), "{what}: {text}");
            }
            assert_eq!(kept.names().await.len(), stored.len(), "{what}");
            // What is stored stays a hit, and the old commit can still be completed.
            tag(&script, "aaaa");
            for (status, _) in status_of(&storage, &url, &["info", "mod", "zip"]).await {
                assert_eq!(status, StatusCode::OK, "{what}");
            }
            registry.shutdown().await;
        }
    })
    .await;
}

/// Some registries tell no origin, or begin to.
#[tokio::test]
async fn an_info_that_names_no_commit_is_no_other_one() {
    within_minutes(async {
        let (script, storage) = (Script::default(), Storage::memory());
        let answers = script.clone();
        let registry = ScriptedRegistry::http1(move |request| answers.answer(request)).await;
        tag(&script, "aaaa");
        let info = "{\"Version\":\"v1.0.0\",\"Origin\":{\"VCS\":\"git\"}}";
        script.set(&format!("{AT}.info"), Answer::new([info]));
        status_of(&storage, &registry.url(), &["info"]).await;
        tag(&script, "aaaa");
        let answers = status_of(&storage, &registry.url(), &["mod", "zip"]).await;
        assert!(answers.iter().all(|(status, _)| *status == StatusCode::OK));
        registry.shutdown().await;
    })
    .await;
}

#[tokio::test]
async fn files_that_come_together_are_asked_for_once() {
    within_minutes(async {
        let (script, storage) = (Script::default(), Storage::memory());
        let answers = script.clone();
        let registry = ScriptedRegistry::http1(move |request| answers.answer(request)).await;
        tag(&script, "aaaa");
        status_of(&storage, &registry.url(), &["info", "mod", "zip"]).await;
        assert_eq!(registry.requests().total(), 3);
        registry.shutdown().await;
    })
    .await;
}
