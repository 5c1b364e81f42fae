//! Many owners at once: processes, private folders, and the bounds of their clones together.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tower_goproxy::{Access, GoGet};

use crate::cleaned::age;
use crate::processes::{Endless, leave, until};
use crate::scene::ask;
use crate::setup::{HELLO, Setup};
use crate::support::{get, within, within_minutes};

const OWNERS: usize = 100;
const HOUR: Duration = Duration::from_secs(60 * 60);

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

/// What a folder takes on the disk.
fn size(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;

    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let inside = entries.map(|entry| match entry.file_type().unwrap().is_dir() {
        true => size(&entry.path()),
        false => entry.metadata().unwrap().blocks() * 512,
    });
    fs::metadata(folder).unwrap().blocks() * 512 + inside.sum::<u64>()
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
    let clones = setup.folder.path().join("clones");
    assert_eq!(folders(setup.folder.path(), "run-").len(), 0);
    assert_eq!(folders(&clones, "").len(), OWNERS);

    // All together are bounded, not each by itself. Those of the first owners were used last.
    let each = setup.clones();
    for (i, clone) in each.iter().enumerate() {
        age(clone, HOUR * u32::try_from(i + 1).unwrap());
    }
    let most = size(&clones) / 10;
    let setup = setup.with(|settings| settings.max_clones_size(most));
    ask(&setup.goget, None, &zip()).await.assert(200, "");
    until(|| setup.clones().len() <= OWNERS / 10 + 1).await;
    let stay: Vec<_> = (0..OWNERS).filter(|i| each[*i].exists()).collect();
    assert!(
        stay.contains(&0) && stay.iter().all(|i| *i <= OWNERS / 10),
        "{stay:?}"
    );
    let answer = ask(&setup.goget, Some(&owner(0)), &zip()).await;
    answer.assert(200, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_owners_that_leave_leave_nothing_behind() {
    const PLACES: usize = 8;
    let (endless, folder) = (Endless::new(), TempDir::new().unwrap());
    let settings = endless
        .settings(folder.path())
        .max_runs(PLACES)
        .max_runs_per_host(PLACES)
        .max_wait(Duration::from_secs(3600));
    let goget = GoGet::new(settings).unwrap();
    let mut clients = Vec::new();
    for i in 0..OWNERS {
        let mut request = get(&zip());
        request.extensions_mut().insert(owner(i));
        let answer = goget.try_call(&request);
        clients.push(tokio::spawn(async move { answer.await.is_ok() }));
    }
    endless.begun(PLACES).await;
    assert_eq!(folders(folder.path(), "run-").len(), PLACES);
    for client in clients {
        leave(client).await;
    }
    within(goget.runs().idle()).await;
    endless.gone().await;
    assert_eq!(folders(folder.path(), "run-").len(), 0);
}

#[tokio::test]
async fn an_owner_leaves_run_slots_to_others() {
    let (endless, folder) = (Endless::new(), TempDir::new().unwrap());
    let goget = endless.goget(folder.path());
    let begin = |i: usize, host: usize| {
        let mut request = get(&format!("/host{host}.example/m/@v/v1.0.0.zip"));
        request.extensions_mut().insert(owner(i));
        let answer = goget.try_call(&request);
        tokio::spawn(async move { answer.await.is_ok() })
    };
    // Each at another host, whose own limit is not reached.
    let mut clients: Vec<_> = (0..20).map(|host| begin(1, host)).collect();
    endless.begun(4).await;
    clients.push(begin(2, 0));
    // The clones of two owners, and no fifth run of the first one.
    until(|| folders(&folder.path().join("clones"), "").len() == 2).await;
    endless.begun(5).await;
    assert_eq!(endless.groups().len(), 5);
    for client in clients {
        leave(client).await;
    }
    within(goget.runs().idle()).await;
    endless.gone().await;
}

/// With the locks of clones that are gone.
#[tokio::test]
async fn the_folder_of_an_owner_who_does_not_come_again_goes() {
    let setup = Setup::new();
    setup.hello().tag("v1.0.0");
    for i in 0..2 {
        ask(&setup.goget, Some(&owner(i)), &zip())
            .await
            .assert(200, "");
    }
    let clones = setup.folder.path().join("clones");
    for clone in setup.clones() {
        age(&clone, HOUR);
    }
    let setup = setup.with(|settings| settings.max_clones_age(HOUR / 2));
    ask(&setup.goget, Some(&owner(2)), &zip())
        .await
        .assert(200, "");
    // What lies beside a clone goes after it, which makes the folder young again: until a lock is all that is left.
    let is_left = |owner: &PathBuf| folders(owner, "").len() == 1;
    until(|| {
        folders(&clones, "")
            .iter()
            .filter(|owner| is_left(owner))
            .count()
            == 2
    })
    .await;
    let owners = folders(&clones, "");
    assert_eq!(owners.len(), 3);
    for owner in &owners {
        File::open(owner)
            .unwrap()
            .set_modified(SystemTime::now() - HOUR)
            .unwrap();
    }
    // Somebody has that of an owner open, as a run does.
    let used = owners
        .iter()
        .find(|owner| folders(owner, "").len() == 1)
        .unwrap();
    let lock = File::open(used).unwrap();
    lock.lock_shared().unwrap();
    let setup = setup.with(|settings| settings.max_clones_age(HOUR / 2));
    ask(&setup.goget, Some(&owner(2)), &zip())
        .await
        .assert(200, "");
    until(|| folders(&clones, "").len() == 2).await;
    assert!(used.exists());
}
