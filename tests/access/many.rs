//! Many owners at once: processes, private folders, and the bounds of their module caches together.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tower_goproxy::Access;

use crate::processes::{Endless, leave};
use crate::scene::ask;
use crate::setup::{HELLO, Setup};
use crate::support::{get, within, within_minutes};

const OWNERS: usize = 100;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn zip() -> String {
    format!("/{HELLO}/@v/v1.0.0.zip")
}

fn owner(i: usize) -> Access {
    let access = Access::new(format!("user {i}"));
    access
        .token("git.corp.example", format!("token-{i}"))
        .unwrap()
}

/// The folders in one that begin so.
fn folders(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let entries = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix));
    entries.map(|entry| entry.path()).collect()
}

fn age(folder: &Path, by: Duration) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            age(&path, by);
        } else {
            let file = File::open(&path).unwrap();
            file.set_modified(SystemTime::now() - by).unwrap();
        }
    }
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.file_type().unwrap().is_dir() {
            true => size(&entry.path()),
            false => entry.metadata().unwrap().len(),
        })
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_owners_at_once_are_answered_and_cleaned_away() {
    let setup = Setup::new().with(|goget| goget.max_wait(Duration::from_secs(3600)));
    setup.hello().tag("v1.0.0");
    let clients: Vec<_> = (0..OWNERS)
        .map(|i| {
            let goget = setup.goget.clone();
            tokio::spawn(async move { ask(&goget, Some(&owner(i)), &zip()).await })
        })
        .collect();
    for client in clients {
        within_minutes(client).await.unwrap().assert(200, "");
    }
    within_minutes(setup.goget.runs().idle()).await;
    let (folder, owners) = (setup.folder.path(), setup.folder.path().join("owners"));
    assert_eq!(folders(folder, "home-").len(), 0);
    assert_eq!(folders(&owners, "").len(), OWNERS);

    // All together are bounded, not each by itself. A tenth of them may stay.
    for (days, owner) in folders(&owners, "").iter().enumerate() {
        age(owner, DAY + DAY * u32::try_from(days).unwrap() / 100);
    }
    let most = size(&owners) / 10;
    let setup = setup.with(|goget| goget.max_cache_size(most));
    assert!(setup.goget.clean().await.unwrap() > 0);
    let left = folders(&owners, "").len();
    assert!((1..=OWNERS / 10 + 1).contains(&left), "{left}");

    // Then those that were not used for long.
    let setup = setup.with(|goget| goget.max_cache_age(DAY / 2));
    assert!(setup.goget.clean().await.unwrap() > 0);
    assert_eq!(folders(&owners, "").len(), 0);
    let answer = ask(&setup.goget, Some(&owner(0)), &zip()).await;
    answer.assert(200, "");
}

#[tokio::test]
async fn a_cache_that_is_in_use_stays_and_so_does_the_one_for_everyone() {
    let setup = Setup::new();
    setup.hello().tag("v1.0.0");
    for who in [Some(&owner(0)), Some(&owner(1)), None] {
        ask(&setup.goget, who, &zip()).await.assert(200, "");
    }
    age(setup.folder.path(), DAY);
    ask(&setup.goget, Some(&owner(1)), &zip())
        .await
        .assert(200, "");
    let setup = setup.with(|goget| goget.max_cache_age(DAY / 2));
    setup.goget.clean().await.unwrap();
    assert_eq!(folders(&setup.folder.path().join("owners"), "").len(), 1);
    assert!(setup.folder.path().join("mod").exists());
    assert_eq!(setup.files("zip"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_owners_that_leave_leave_nothing_behind() {
    const PLACES: usize = 8;
    let (endless, folder) = (Endless::new(), TempDir::new().unwrap());
    let goget = endless
        .goget(folder.path())
        .max_runs(PLACES)
        .max_wait(Duration::from_secs(3600));
    let mut clients = Vec::new();
    for i in 0..OWNERS {
        let mut request = get(&zip());
        request.extensions_mut().insert(owner(i));
        let answer = goget.try_call(&request);
        clients.push(tokio::spawn(async move { answer.await.is_ok() }));
    }
    endless.begun(PLACES).await;
    assert_eq!(folders(folder.path(), "home-").len(), PLACES);
    for client in clients {
        leave(client).await;
    }
    within(goget.runs().idle()).await;
    endless.gone().await;
    assert_eq!(folders(folder.path(), "home-").len(), 0);
}
