//! What becomes of the processes of those who leave.

use std::time::Duration;

use tempfile::TempDir;

use crate::processes::{Endless, begin, leave, living, until};
use crate::setup::{HELLO, Setup, git, script};
use crate::support::within;

fn zip(i: usize) -> String {
    format!("/example.com/m.git/@v/v1.{i}.0.zip")
}

#[tokio::test]
async fn the_run_goes_on_while_anybody_waits_and_dies_with_the_last() {
    let (endless, folder) = (Endless::new(), TempDir::new().unwrap());
    let goget = endless.goget(folder.path());
    let mut clients: Vec<_> = (0..10).map(|_| begin(&goget, &zip(0))).collect();
    endless.begun(1).await;
    let last = clients.split_off(9);
    for client in clients {
        leave(client).await;
    }
    assert_eq!(goget.runs().running(), 1);
    // The command, and what it has started.
    until(|| living(&endless.groups()) >= 2).await;
    for client in last {
        leave(client).await;
    }
    within(goget.runs().idle()).await;
    endless.gone().await;
    assert_eq!(endless.groups().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_thousand_that_left_no_process_and_no_place_is_lost() {
    const PLACES: usize = 4;
    let (endless, folder) = (Endless::new(), TempDir::new().unwrap());
    let goget = endless
        .goget(folder.path())
        .max_runs(PLACES)
        .max_wait(Duration::from_secs(3600));
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % below as u64).unwrap()
    };
    for round in 0..20 {
        let mut clients: Vec<_> = (0..50)
            .map(|i| begin(&goget, &zip(1000 * round + i / 2)))
            .collect();
        let before = endless.groups().len();
        endless.begun(before + next(PLACES)).await;
        while !clients.is_empty() {
            leave(clients.swap_remove(next(clients.len()))).await;
            for _ in 0..next(20) {
                tokio::task::yield_now().await;
            }
        }
    }
    within(goget.runs().idle()).await;
    endless.gone().await;

    // Every place is still there.
    let before = endless.groups().len();
    let clients: Vec<_> = (0..PLACES).map(|i| begin(&goget, &zip(i))).collect();
    endless.begun(before + PLACES).await;
    for client in clients {
        leave(client).await;
    }
    within(goget.runs().idle()).await;
    endless.gone().await;
}

#[tokio::test]
async fn a_git_that_hangs_dies_with_the_go_command() {
    let endless = Endless::new();
    script(endless.path(), "git", &endless.text(""));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", endless.path().display());
    let setup = Setup::new().with(|goget| goget.env("PATH", path));
    let client = begin(&setup.goget, &format!("/{HELLO}/@v/v1.0.0.zip"));
    endless.begun(1).await;
    leave(client).await;
    within(setup.goget.runs().idle()).await;
    endless.gone().await;
}

/// The go command never finishes what it finds begun.
#[tokio::test]
async fn a_clone_that_was_killed_half_made_is_made_anew() {
    let (endless, real) = (Endless::new(), git());
    let rest = format!(
        "*) case \"$*\" in *'remote add'*) ;; *) exec '{}' \"$@\";; esac;;",
        real.display()
    );
    script(endless.path(), "git", &endless.text(&rest));
    let path = std::env::var("PATH").unwrap();
    let hangs = format!("{}:{path}", endless.path().display());
    let setup = Setup::new().with(|goget| goget.env("PATH", hangs));
    setup.hello().tag("v1.0.0");
    let path_of = |file: &str| format!("/{HELLO}/@v/{file}");
    let client = begin(&setup.goget, &path_of("v1.0.0.zip"));
    endless.begun(1).await;
    leave(client).await;
    within(setup.goget.runs().idle()).await;
    endless.gone().await;

    let setup = setup.with(|goget| goget.env("PATH", path));
    for file in ["list", "v1.0.0.zip"] {
        let answer = setup.get(&path_of(file)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// The go command puts a mark beside a version while it extracts it.
#[tokio::test]
async fn an_extraction_that_was_killed_is_done_again() {
    let setup = Setup::new();
    setup.hello().tag("v1.0.0");
    let path = format!("/{HELLO}/@v/v1.0.0.zip");
    assert_eq!(setup.get(&path).await.status, 200);
    let cached = setup.folder.path().join("mod/cache/download");
    let mark = cached.join(format!("{HELLO}/@v/v1.0.0.partial"));
    std::fs::write(&mark, "").unwrap();
    assert_eq!(setup.get(&path).await.status, 200);
    assert!(!mark.exists());
}

/// A git that was killed leaves its locks, and every later one takes them for those of a living one.
#[tokio::test]
async fn locks_of_a_git_that_was_killed_are_removed() {
    let setup = Setup::new();
    let repo = setup.hello();
    repo.tag("v1.0.0");
    let zip = |version: &str| format!("/{HELLO}/@v/{version}.zip");
    assert_eq!(setup.get(&zip("v1.0.0")).await.status, 200);
    let clones = setup.folder.path().join("mod/cache/vcs");
    let mut entries = std::fs::read_dir(clones).unwrap().flatten();
    let clone = entries.find(|entry| entry.path().is_dir()).unwrap().path();

    repo.commit("next");
    repo.tag("v1.1.0");
    let lock = clone.join("refs/tags/v1.1.0.lock");
    std::fs::write(&lock, "").unwrap();
    let answer = setup.get(&zip("v1.1.0")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(!lock.exists());
}

#[tokio::test]
async fn what_takes_too_long_is_killed_with_all_that_it_started() {
    let (endless, folder) = (Endless::new(), TempDir::new().unwrap());
    let goget = endless
        .goget(folder.path())
        .time_limit(Duration::from_secs(2));
    for round in 1..=2 {
        assert_eq!(
            within(begin(&goget, &zip(0))).await.unwrap(),
            Err(504.try_into().unwrap())
        );
        // It had begun.
        assert_eq!(endless.groups().len(), round);
    }
    within(goget.runs().idle()).await;
    endless.gone().await;
}

#[tokio::test]
async fn who_waits_too_long_for_a_place_is_told_to_come_again() {
    let (endless, folder) = (Endless::new(), TempDir::new().unwrap());
    let goget = endless
        .goget(folder.path())
        .max_runs(1)
        .max_wait(Duration::ZERO);
    let first = begin(&goget, &zip(0));
    endless.begun(1).await;
    let request = http::Request::get(zip(1)).body(()).unwrap();
    let error = within(goget.try_call(&request)).await.unwrap_err();
    let response = error.into_response();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    leave(first).await;
    // The place is free again.
    within(goget.runs().idle()).await;
    let second = begin(&goget, &zip(1));
    endless.begun(2).await;
    leave(second).await;
    endless.gone().await;
}

/// The runtime ends while a command runs.
#[test]
fn a_runtime_that_ends_leaves_no_process() {
    let (endless, folder) = (Endless::new(), TempDir::new().unwrap());
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let first = runtime();
    first.block_on(async {
        drop(begin(&endless.goget(folder.path()), &zip(0)));
        endless.begun(1).await;
    });
    drop(first);
    let groups = endless.groups();
    // A later runtime collects the leader.
    runtime().block_on(async {
        let _ = tokio::process::Command::new("true").status().await;
        until(|| living(&groups) == 0).await;
    });
}
