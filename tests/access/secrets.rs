//! Who can read the credentials of a running command, and which ones are taken.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tower_goproxy::Access;

use crate::scene::{HERS, Scene, ask, file};
use crate::support::within_minutes;

#[tokio::test]
async fn while_a_command_runs_its_credentials_are_readable_by_nobody_else() {
    let scene = Scene::new().await;
    scene.host.hold("alice", "apple-pie");
    let (goget, alice) = (scene.goget.clone(), scene.alice());
    let first = tokio::spawn(async move { ask(&goget, Some(&alice), &file(HERS, "zip")).await });
    scene.host.waiting(1).await;
    let entries = fs::read_dir(scene.folder.path()).unwrap().flatten();
    let homes: Vec<_> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("run-"))
        .collect();
    assert_eq!(homes.len(), 1);
    for home in homes {
        assert_eq!(home.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    }
    scene.host.release();
    within_minutes(first).await.unwrap().assert(200, "");
}

#[test]
fn credentials_that_could_break_out_of_their_line_are_refused() {
    for (host, user, password) in [
        ("", "robot", "secret"),
        ("host/path", "robot", "secret"),
        ("host", "ro bot", "secret"),
        ("host", "ro:bot", "secret"),
        ("host", "robot", "sec\nret"),
        ("host", "robot", ""),
    ] {
        let error = Access::new("robot")
            .credentials(host, user, password)
            .unwrap_err();
        assert!(!error.to_string().contains("sec"), "{error}");
    }
}
