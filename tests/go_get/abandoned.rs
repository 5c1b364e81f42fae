//! What becomes of the processes of those who leave.

use std::time::Duration;

use tempfile::TempDir;
use tower_goproxy::GoGet;

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
    let settings = endless
        .settings(folder.path())
        .max_runs(PLACES)
        .max_runs_per_host(PLACES)
        .max_wait(Duration::from_secs(3600));
    let goget = GoGet::new(settings).unwrap();
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

/// A git that was killed leaves its locks, and every later one takes them for those of a living one.
#[tokio::test]
async fn locks_of_a_git_that_was_killed_are_removed() {
    let setup = Setup::new();
    let repo = setup.hello();
    repo.tag("v1.0.0");
    let zip = |version: &str| format!("/{HELLO}/@v/{version}.zip");
    assert_eq!(setup.get(&zip("v1.0.0")).await.status, 200);
    let clone = setup.clones().remove(0);

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
    let mut limit = Duration::from_secs(1);
    // Until both have begun before they are killed, on a machine with other work.
    while endless.groups().len() < 2 {
        let settings = endless.settings(folder.path());
        let goget = GoGet::new(settings.time_limit(limit)).unwrap();
        for _ in 0..2 {
            let killed = within(begin(&goget, &zip(0))).await.unwrap();
            assert_eq!(killed, Err(504.try_into().unwrap()));
        }
        within(goget.runs().idle()).await;
        endless.gone().await;
        limit *= 2;
    }
}

#[tokio::test]
async fn who_waits_too_long_for_a_place_is_told_to_come_again() {
    let (endless, folder) = (Endless::new(), TempDir::new().unwrap());
    let settings = endless
        .settings(folder.path())
        .max_runs(1)
        .max_wait(Duration::ZERO);
    let goget = GoGet::new(settings).unwrap();
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

/// A process that leaves the group of the command, and its session.
#[tokio::test]
async fn a_child_with_a_session_of_its_own_ends_with_the_run() {
    for ends in ["wait", "exit 3", "cat \"$D/fifo\""] {
        let (endless, folder) = (Endless::new(), TempDir::new().unwrap());
        let text = format!(
            "D='{0}'\ncase $1 in version) echo go version go1.99 a/b; exit;; esac\n\
             setsid sh -c 'read -r _ _ _ _ group _ < /proc/$$/stat; echo $group >> {0}/groups; cat {0}/fifo' &\n\
             while [ ! -s $D/groups ]; do :; done\n{ends}",
            endless.path().display()
        );
        let go = script(endless.path(), "go", &text);
        let settings = endless.settings(folder.path()).go(go);
        let goget = GoGet::new(settings).unwrap();
        let client = begin(&goget, &zip(0));
        endless.begun(1).await;
        if ends.starts_with("exit") {
            // It holds the pipes of the command, which has ended.
            assert!(within(client).await.unwrap().is_err());
        } else {
            leave(client).await;
        }
        within(goget.runs().idle()).await;
        endless.gone().await;
    }
}

#[tokio::test]
async fn a_host_that_does_not_respond_leaves_run_slots_to_others() {
    let (endless, folder) = (Endless::new(), TempDir::new().unwrap());
    let goget = endless.goget(folder.path());
    let dead: Vec<_> = (0..20)
        .map(|i| begin(&goget, &format!("/dead.example/m{i}/@v/v1.0.0.zip")))
        .collect();
    endless.begun(6).await;
    let live = begin(&goget, "/live.example/m/@v/v1.0.0.zip");
    endless.begun(7).await;
    assert_eq!(endless.groups().len(), 7);
    for client in dead.into_iter().chain([live]) {
        leave(client).await;
    }
    within(goget.runs().idle()).await;
    endless.gone().await;
}

#[tokio::test]
async fn times_without_an_end_are_no_panic() {
    let setup = Setup::new().with(|settings| {
        let settings = settings.max_wait(Duration::MAX).time_limit(Duration::MAX);
        settings.max_clones_age(Duration::MAX)
    });
    setup.hello().tag("v1.0.0");
    let list = setup.get(&format!("/{HELLO}/@v/list")).await;
    assert_eq!(list.status, 200, "{}", list.text());
}
