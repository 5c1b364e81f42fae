//! What stays in the module cache, and what does not.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::processes::{Endless, begin, leave, until};
use crate::setup::{HELLO, Setup};
use crate::support::{within, within_minutes};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn zip(version: &str) -> String {
    format!("/{HELLO}/@v/{version}.zip")
}

/// As if all files whose path has this text had been used last so long ago.
fn age(folder: &Path, text: &str, by: Duration) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            age(&path, text, by);
        } else if path.to_string_lossy().contains(text) {
            let file = File::open(&path).unwrap();
            file.set_modified(SystemTime::now() - by).unwrap();
        }
    }
}

/// A service that has both versions in its cache: v1.0.0 was used two days ago, v1.1.0 yesterday, the clone just now.
async fn aged() -> Setup {
    let setup = Setup::new();
    let repo = setup.hello();
    for tag in ["v1.0.0", "v1.1.0"] {
        repo.commit(tag);
        repo.tag(tag);
        assert_eq!(setup.get(&zip(tag)).await.status, 200);
    }
    age(setup.folder.path(), "v1.0.0", 2 * DAY);
    age(setup.folder.path(), "v1.1.0", DAY);
    setup
}

/// Cleans, once nobody else does: every service does so by itself after its first run.
async fn clean(setup: &Setup) -> u64 {
    within(async {
        loop {
            match setup.goget.clean().await {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    tokio::task::yield_now().await;
                }
                cleaned => return cleaned.unwrap(),
            }
        }
    })
    .await
}

/// Which zips and which extracted folders there are.
fn versions(setup: &Setup) -> Vec<bool> {
    let root = setup.folder.path().join("mod");
    ["v1.0.0", "v1.1.0"]
        .iter()
        .flat_map(|version| {
            let zip = root.join(format!("cache/download/{HELLO}/@v/{version}.zip"));
            [
                zip.exists(),
                root.join(format!("{HELLO}@{version}")).exists(),
            ]
        })
        .collect()
}

#[tokio::test]
async fn what_is_within_the_bounds_stays() {
    let setup = aged().await;
    assert_eq!(clean(&setup).await, 0);
    assert_eq!(versions(&setup), [true; 4]);
}

#[tokio::test]
async fn what_is_too_old_goes() {
    let setup = aged().await.with(|goget| goget.max_cache_age(DAY * 3 / 2));
    assert!(clean(&setup).await > 0);
    assert_eq!(versions(&setup), [false, false, true, true]);
    // It comes again.
    assert_eq!(setup.get(&zip("v1.0.0")).await.status, 200);
    assert_eq!(versions(&setup), [true; 4]);
}

#[tokio::test]
async fn what_was_not_used_for_longest_goes_first() {
    let setup = aged().await;
    // v1.0.0 has not been used for longer, but a hit is a use.
    assert_eq!(setup.get(&zip("v1.0.0")).await.status, 200);
    let root = setup.folder.path().join("mod");
    let kept = size(&root, "cache/vcs") + size(&root, "v1.0.0");
    let setup = setup.with(|goget| goget.max_cache_size(kept));
    assert!(clean(&setup).await > 0);
    assert_eq!(versions(&setup), [true, true, false, false]);
}

#[tokio::test]
async fn a_module_that_is_called_like_a_checksum_database_goes_too() {
    let setup = Setup::new();
    let module = "github.com/team/sumdb";
    setup.repos.module("team/sumdb", module).tag("v1.0.0");
    let path = format!("/{module}/@v/v1.0.0.zip");
    assert_eq!(setup.get(&path).await.status, 200);
    age(setup.folder.path(), "", 2 * DAY);
    let setup = setup.with(|goget| goget.max_cache_age(DAY));
    assert!(clean(&setup).await > 0);
    assert_eq!(setup.files("zip"), 0);
}

#[tokio::test]
async fn a_clone_of_nothing_and_half_a_file_go_within_the_bounds() {
    let setup = aged().await;
    let path = "/github.com/team/none/@v/list";
    assert_eq!(setup.get(path).await.status, 404);
    let versions_of = format!("mod/cache/download/{HELLO}/@v");
    let half = setup
        .folder
        .path()
        .join(versions_of)
        .join("v1.2.0.zip123.tmp");
    fs::write(&half, "half").unwrap();
    let clones = || {
        let all = fs::read_dir(setup.folder.path().join("mod/cache/vcs")).unwrap();
        let folders = all
            .flatten()
            .filter(|entry| entry.file_type().unwrap().is_dir());
        folders.count()
    };
    assert_eq!(clones(), 2);
    // Not at once: somebody may be at work with it.
    clean(&setup).await;
    assert!(half.exists() && clones() == 2);
    age(setup.folder.path(), "", DAY);
    clean(&setup).await;
    assert!(!half.exists());
    assert_eq!(clones(), 1);
    assert_eq!(versions(&setup), [true; 4]);
}

#[tokio::test]
async fn what_was_just_used_stays_whatever_the_bounds() {
    let setup = aged().await;
    assert_eq!(setup.get(&zip("v1.1.0")).await.status, 200);
    let setup = setup.with(|goget| goget.max_cache_size(0).max_cache_age(Duration::ZERO));
    clean(&setup).await;
    assert_eq!(versions(&setup), [false, false, true, true]);
    // The clone goes too, in its time; what is asked then is cloned again.
    age(setup.folder.path(), "", DAY);
    clean(&setup).await;
    assert_eq!(versions(&setup), [false; 4]);
    assert!(!setup.folder.path().join("mod/cache/vcs").exists());
    assert_eq!(setup.get(&zip("v1.1.0")).await.status, 200);
}

#[tokio::test]
async fn whichever_file_is_asked_for_it_is_a_use_of_the_version() {
    for extension in ["info", "mod", "zip"] {
        let setup = aged().await.with(|goget| goget.max_cache_age(DAY / 2));
        let path = format!("/{HELLO}/@v/v1.0.0.{extension}");
        assert_eq!(setup.get(&path).await.status, 200);
        assert!(clean(&setup).await > 0);
        assert_eq!(versions(&setup), [true, true, false, false], "{extension}");
    }
}

#[tokio::test]
async fn what_is_too_old_goes_by_itself_after_a_run_every_ten_minutes() {
    let setup = aged().await;
    clean(&setup).await;
    let setup = setup.with(|goget| goget.max_cache_age(DAY * 3 / 2));
    let list = format!("/{HELLO}/@v/list");
    assert_eq!(setup.get(&list).await.status, 200);
    until(|| versions(&setup) == [false, false, true, true]).await;

    age(setup.folder.path(), "v1.1.0", 2 * DAY);
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(10 * 60)).await;
    tokio::time::resume();
    assert_eq!(setup.get(&list).await.status, 200);
    until(|| versions(&setup) == [false; 4]).await;
}

#[tokio::test]
async fn nothing_goes_while_a_command_runs_in_any_process() {
    let setup = aged()
        .await
        .with(|goget| goget.max_cache_age(Duration::ZERO));
    // Another service on the same folder is as good as another process: the lock is of the file.
    let (endless, _folder) = (Endless::new(), TempDir::new().unwrap());
    let other = endless.goget(setup.folder.path());
    let client = begin(&other, "/example.com/m.git/@v/list");
    endless.begun(1).await;
    let error = setup.goget.clean().await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(versions(&setup), [true; 4]);
    leave(client).await;
    within(other.runs().idle()).await;
    endless.gone().await;
    assert!(clean(&setup).await > 0);
    assert_eq!(versions(&setup), [false; 4]);
}

/// A lock of somebody else, as of another process that cleans, or that has a command run.
fn lock_of_another(folder: &Path) -> File {
    let file = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(folder.join("runs.lock"));
    let file = file.unwrap();
    file.lock().unwrap();
    file
}

#[tokio::test]
async fn who_waits_for_a_clean_up_waits_no_longer_than_for_a_place() {
    let setup = aged().await.with(|goget| {
        goget
            .max_wait(Duration::from_millis(50))
            .time_limit(Duration::from_millis(50))
    });
    setup.goget.check().await.unwrap();
    let lock = lock_of_another(setup.folder.path());
    let answer = within_minutes(setup.get(&format!("/{HELLO}/@v/v1.5.0.zip"))).await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.headers["retry-after"], "1");
    drop(lock);
}

#[tokio::test]
async fn while_there_is_a_clean_up_hits_are_answered_whoever_has_left() {
    let setup = aged().await;
    setup.goget.check().await.unwrap();
    let lock = lock_of_another(setup.folder.path());
    for i in 0..600 {
        let client = begin(&setup.goget, &format!("/{HELLO}/@v/v1.{}.0.zip", i + 10));
        while setup.goget.runs().running() == 0 {
            tokio::task::yield_now().await;
        }
        leave(client).await;
    }
    let answer = within_minutes(setup.get(&zip("v1.0.0"))).await;
    assert_eq!(answer.status, 200);
    within_minutes(setup.goget.runs().idle()).await;
    drop(lock);
}

/// Where there is always a command at work, new ones wait for a moment.
#[tokio::test]
async fn a_server_that_is_never_idle_is_cleaned_all_the_same() {
    let setup = aged().await;
    // As when it has just been started.
    let setup = setup.with(|goget| goget.max_cache_age(DAY * 3 / 2));
    let is_old = || versions(&setup) == [true; 4];
    let busy = |first: usize| {
        let (setup, is_old) = (&setup, &is_old);
        async move {
            for i in (first..).step_by(4) {
                if !is_old() {
                    break;
                }
                let path = format!("/{HELLO}/@v/v9.{i}.0+incompatible.info");
                assert_eq!(setup.get(&path).await.status, 404);
            }
        }
    };
    within_minutes(futures_util::future::join_all([
        busy(0),
        busy(1),
        busy(2),
        busy(3),
    ]))
    .await;
    assert_eq!(versions(&setup), [false, false, true, true]);
}

/// What there is on the disk of all whose path has this text.
fn size(folder: &Path, text: &str) -> u64 {
    use std::os::unix::fs::MetadataExt as _;

    let mut found = 0;
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.to_string_lossy().contains(text) {
            found += entry.metadata().unwrap().blocks() * 512;
        }
        if entry.file_type().unwrap().is_dir() {
            found += size(&path, text);
        }
    }
    found
}
