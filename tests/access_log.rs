//! Passwords are where they have to be, and nowhere else. A test of its own: what is logged on other threads decides what is
//! logged at all.
#![cfg(all(
    feature = "fill",
    feature = "go-get",
    feature = "tracing",
    target_os = "linux"
))]

#[path = "access/scene.rs"]
#[allow(dead_code)] // A part of it is used here.
mod scene;
#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tower::Layer as _;
use tower_goproxy::Storage;
use tower_goproxy::access::Credentials;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;

use scene::{HERS, Scene, all, ask, file};
use support::{get, within_minutes};

/// What is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The files below a folder that have one of these texts.
fn files_with(folder: &Path, texts: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, texts));
        } else {
            let bytes = fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            if texts.iter().any(|secret| text.contains(secret)) {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

fn homes(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).unwrap().flatten();
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("run-"))
        .count()
}

// One thread: all that happens is logged to the one subscriber.
#[tokio::test(flavor = "current_thread")]
async fn no_password_is_in_arguments_logs_answers_errors_or_files() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer({
            let log = log.clone();
            move || log.clone()
        })
        .finish();
    let _logging = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);

    let scene = Scene::new().await;
    let layer = FillLayer::new(Storage::memory()).area(Area::Included);
    let proxy = layer.layer(scene.goget.clone());
    scene.host.refuse("alice", "wrong-one");
    let wrong = scene.user("alice", "wrong-one");
    let mut seen = vec![
        format!("{wrong:?} {wrong:#?}"),
        format!(
            "{:?}",
            Credentials::token("git.example", "wrong-one").unwrap()
        ),
    ];
    for access in [&scene.alice(), &wrong] {
        for path in all(HERS) {
            let answer = ask(&proxy, Some(access), &path).await;
            seen.push(format!("{:?} {}", answer.headers, answer.text()));
        }
    }
    let mut request = get(&file(HERS, "zip").replace("v1.0.0", "v1.2.3"));
    request.extensions_mut().insert(wrong.clone());
    let error = scene.goget.try_call(&request).await.unwrap_err();
    seen.push(format!("{error} {error:?} {} {request:?}", error.reason()));
    seen.push(format!("{:?} {:?} {layer:?}", scene.goget, proxy));
    within_minutes(layer.fills().idle()).await;
    within_minutes(scene.goget.runs().idle()).await;
    seen.push(log.text());

    let secrets = scene.host.secrets();
    assert!(secrets.iter().any(|secret| secret == "wrong-one"));
    for text in &seen {
        for secret in &secrets {
            let at = text.find(secret.as_str()).unwrap_or_default();
            let from = text.floor_char_boundary(at.saturating_sub(200));
            assert!(!text.contains(secret), "{secret}: {}", &text[from..at]);
        }
    }
    assert!(
        log.text().contains("running the go command"),
        "{}",
        log.text()
    );
    assert_eq!(scene.host.leaks(), [""; 0]);
    assert_eq!(files_with(scene.folder.path(), &secrets), [""; 0]);
    assert_eq!(homes(scene.folder.path()), 0);
}
