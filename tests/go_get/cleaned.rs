//! Which clones stay, and which do not.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::processes::until;
use crate::setup::{HELLO, Setup};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn list(name: &str) -> String {
    format!("/github.com/team/{name}/@v/list")
}

/// As if a clone had been used last so long ago.
pub(crate) fn age(clone: &Path, by: Duration) {
    for path in [
        clone.with_extension("lock"),
        clone.with_extension("info"),
        clone.to_owned(),
    ] {
        let file = File::open(path).unwrap();
        file.set_modified(SystemTime::now() - by).unwrap();
    }
}

/// A service with a clone of each of these, all of which were used last so long ago, and one with a clean-up before it.
async fn aged(names: &[&str], by: Duration) -> (Setup, Vec<PathBuf>) {
    let setup = Setup::new();
    let mut clones = Vec::new();
    for name in names {
        let module = format!("github.com/team/{name}");
        setup
            .repos
            .module(&format!("team/{name}"), &module)
            .tag("v1.0.0");
        assert_eq!(setup.text(&list(name)).await, "v1.0.0\n");
        let found = setup.clones();
        clones.extend(found.into_iter().find(|clone| !clones.contains(clone)));
    }
    clones.iter().for_each(|clone| age(clone, by));
    setup.hello().tag("v1.0.0");
    (setup, clones)
}

/// A run of another module, after which a new service cleans.
async fn run(setup: &Setup) {
    assert_eq!(setup.text(&format!("/{HELLO}/@v/list")).await, "v1.0.0\n");
}

fn nothing_aside(setup: &Setup) -> bool {
    let mut entries = fs::read_dir(setup.folder.path()).unwrap().flatten();
    !entries.any(|entry| entry.file_name().to_string_lossy().starts_with("old-"))
}

#[tokio::test]
async fn what_is_too_old_goes_after_a_run_and_comes_again() {
    let (setup, clones) = aged(&["a", "b"], 2 * DAY).await;
    age(&clones[1], DAY);
    let setup = setup.with(|settings| settings.max_clones_age(DAY * 3 / 2));
    run(&setup).await;
    until(|| !clones[0].exists() && nothing_aside(&setup)).await;
    assert!(clones[1].exists());
    assert!(!clones[0].with_extension("info").exists());
    assert_eq!(setup.text(&list("a")).await, "v1.0.0\n");
    assert!(clones[0].exists());
}

#[tokio::test]
async fn what_was_not_used_for_longest_goes_first_and_what_is_in_use_stays() {
    let (setup, clones) = aged(&["a", "b", "c"], DAY).await;
    age(&clones[1], 2 * DAY);
    // A use without anything new.
    assert_eq!(setup.text(&list("c")).await, "v1.0.0\n");
    let setup = setup.with(|settings| settings.max_clones_size(0));
    run(&setup).await;
    until(|| !clones[0].exists() && !clones[1].exists()).await;
    assert!(clones[2].exists());
    assert_eq!(setup.clones().len(), 2);
}

#[tokio::test]
async fn one_that_a_command_has_locked_stays_and_is_not_waited_for() {
    let (setup, clones) = aged(&["a", "b"], 2 * DAY).await;
    let lock = File::open(clones[0].with_extension("lock")).unwrap();
    lock.lock().unwrap();
    let setup = setup.with(|settings| settings.max_clones_age(DAY));
    run(&setup).await;
    until(|| !clones[1].exists()).await;
    assert!(clones[0].join("HEAD").exists());
}

#[tokio::test]
async fn it_happens_every_ten_minutes() {
    let (setup, clones) = aged(&["a"], Duration::ZERO).await;
    let setup = setup.with(|settings| settings.max_clones_age(DAY));
    run(&setup).await;
    setup.goget.check().await.unwrap();
    age(&clones[0], 2 * DAY);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(10 * 60)).await;
    tokio::time::resume();
    // Of a server that was killed meanwhile.
    let left = setup.folder.path().join("run-left");
    fs::create_dir(&left).unwrap();
    run(&setup).await;
    until(|| !clones[0].exists() && !left.exists()).await;
}
