//! What becomes of the processes of those who leave.

use std::time::Duration;

use tempfile::TempDir;

use crate::processes::{Endless, begin, leave, living, until};
use crate::setup::{HELLO, Setup, script};
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
