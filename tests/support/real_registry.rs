//! The registry of this machine's go command.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::Empty;
use tower::ServiceExt as _;
use tower_goproxy::upstream::Client;

use super::go::{Client as Go, program};

/// The first registry of its list, if it has something at this path.
pub async fn real_registry(path: &str) -> Option<String> {
    let mut go = tokio::process::Command::new(program());
    let goproxy = go.args(["env", "GOPROXY"]).output().await.ok()?.stdout;
    let goproxy = String::from_utf8(goproxy).ok()?;
    let first = goproxy.split([',', '|']).next()?.trim();
    let uri = format!("{first}{path}");
    let request = Request::get(uri).body(Empty::<Bytes>::new()).ok()?;
    let answer = Client::new().ok()?.oneshot(request);
    let answer = tokio::time::timeout(Duration::from_secs(10), answer).await;
    let is_there = answer.ok()?.ok()?.status() == StatusCode::OK;
    is_there.then(|| first.to_owned())
}

/// Whether a go command does without us what it has not done through us. Else it is the registry, or the way to it, that
/// has failed, and no test of ours.
pub async fn does_straight(registry: &str, sumdb: &str, args: &[&str]) -> bool {
    let go = Go::new(registry).env("GOSUMDB", sumdb);
    let done = go.try_go(args).await.success;
    if !done {
        eprintln!("skipped: {registry} fails too");
    }
    done
}
