//! Registries and storages that are away for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use tokio::join;

use crate::MOD;
use crate::proxy::{Proxy, command};
use crate::support::{Answer, Port, ScriptedRegistry, within_minutes};

#[tokio::test]
async fn a_registry_that_is_away_is_told_and_makes_nothing_unready() {
    let nobody = Port::new();
    let upstream = nobody.url();
    let proxy = Proxy::start(&["--storage", "memory:", "--upstream", &upstream]).await;
    within_minutes(async {
        loop {
            assert_eq!(proxy.get(MOD).await.status, Some(StatusCode::BAD_GATEWAY));
            let ready = proxy.get("/readyz").await.whole();
            if ready.text().contains("registries away: 1") {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_storage_that_is_away_later_is_told_and_makes_unready_only_if_wanted() {
    let is_told = async |options: &[&str], status| {
        let folder = tempfile::tempdir().unwrap();
        let storage = folder.path().join("modules");
        let args = ["--storage", storage.to_str().unwrap(), "--upstream", "off"];
        let proxy = Proxy::start(&[&args[..], options].concat()).await;
        proxy.get("/readyz").await.whole();
        std::fs::remove_dir_all(&storage).unwrap();
        within_minutes(async {
            loop {
                let ready = proxy.get("/readyz").await;
                if ready.text().contains("storage: away") {
                    assert_eq!(ready.status, Some(status));
                    break;
                }
            }
        })
        .await;
        proxy.get("/healthz").await.whole();
    };
    join!(
        is_told(&[], StatusCode::OK),
        is_told(&["--ready-needs-storage"], StatusCode::SERVICE_UNAVAILABLE),
    );
}

#[tokio::test]
async fn a_bucket_that_is_away_later_is_told_until_it_is_back() {
    let is_away = Arc::new(AtomicBool::new(false));
    let away = Arc::clone(&is_away);
    let store = ScriptedRegistry::http1(move |_| match away.load(Ordering::Relaxed) {
        true => Answer::text(StatusCode::FORBIDDEN, ""),
        false => Answer::text(StatusCode::NOT_FOUND, ""),
    })
    .await;
    let args = ["--storage", "s3://bucket", "--upstream", "off", "--metrics"];
    let mut server = command(&args);
    for (name, value) in [
        ("AWS_ENDPOINT", &*store.url()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
    ] {
        server.env(name, value);
    }
    let proxy = Proxy::run(server).await;
    for (now_away, state, figure) in [(true, "away", 0), (false, "up", 1)] {
        is_away.store(now_away, Ordering::Relaxed);
        let expected = format!("ready\nstorage: {state}\nregistries away: 0\n");
        let ready = async || proxy.get("/readyz").await.whole().text();
        within_minutes(async { while ready().await != expected {} }).await;
        let metrics = proxy.get("/metrics").await.whole().text();
        let line = format!("goproxy_storage_up {figure}\n");
        assert!(metrics.contains(&line), "{metrics}");
    }
}
