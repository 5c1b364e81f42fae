//! What a command that was killed leaves behind, and what becomes of the next ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tower_goproxy::GoGet;
use tower_goproxy::goget::Settings;

use crate::processes::{Endless, begin, leave, living, until};
use crate::setup::{HELLO, Setup, git, script};
use crate::support::respawn::{Respawned, say, words};
use crate::support::{incompressible, within_minutes};

fn zip() -> String {
    format!("/{HELLO}/@v/v1.0.0.zip")
}

/// A service whose git does this first, but once, and then hangs. `$D` is the folder.
fn hangs(at: &str, first: &str) -> (TempDir, Setup) {
    let folder = TempDir::new().unwrap();
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("fifo"))
        .status();
    assert!(made.unwrap().success());
    let path = std::env::var_os("PATH").unwrap();
    let text = format!(
        "D='{}'\ncase \"$*\" in {at}) if [ ! -e $D/begun ]; then {first}\ntouch $D/begun; \
         cat $D/fifo; fi;; esac\nexec '{}' \"$@\"",
        folder.path().display(),
        git().display()
    );
    script(folder.path(), "git", &text);
    let folders = std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).unwrap();
    let setup = Setup::new().with(|goget| goget.env("PATH", path));
    setup.hello().tag("v1.0.0");
    (folder, setup)
}

/// A client asks, and leaves while git hangs.
async fn leave_there(folder: &TempDir, setup: &Setup) {
    let client = begin(&setup.goget, &zip());
    until(|| folder.path().join("begun").exists()).await;
    leave(client).await;
    within_minutes(setup.goget.runs().idle()).await;
}

/// All paths below a folder that have one of these texts in their last element.
fn named(folder: &Path, texts: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if texts.iter().any(|text| name.contains(text)) {
            found.push(entry.path());
        }
        if entry.file_type().unwrap().is_dir() {
            found.extend(named(&entry.path(), texts));
        }
    }
    found
}

async fn assert_served(setup: &Setup) {
    for path in ["v1.0.0.zip", "v1.0.0.info", "v1.0.0.mod", "list"] {
        let answer = setup.get(&format!("/{HELLO}/@v/{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_clone_that_does_not_know_yet_where_it_comes_from_is_made_anew() {
    let (folder, setup) = hangs("'remote add'*", "");
    leave_there(&folder, &setup).await;
    assert_served(&setup).await;
}

/// The go command writes into a file beside the clone whose it is, before git begins.
#[tokio::test]
async fn a_clone_that_does_not_know_yet_whose_it_is_is_made_anew() {
    let (folder, setup) = hangs("*init*", ": > \"$PWD.info\"");
    leave_there(&folder, &setup).await;
    assert_served(&setup).await;
}

#[tokio::test]
async fn a_clone_with_locks_of_a_command_that_was_killed_is_made_anew() {
    let first = "touch shallow.lock refs/heads/main.lock objects/pack/tmp_pack_x";
    let (folder, setup) = hangs("*fetch*", first);
    leave_there(&folder, &setup).await;
    assert_served(&setup).await;
    let left = setup.clones();
    let left: Vec<_> = left
        .iter()
        .flat_map(|clone| named(clone, &[".lock", "tmp_"]))
        .collect();
    assert_eq!(left, Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_clone_that_breaks_all_the_same_is_made_anew_and_no_not_found() {
    let setup = Setup::new();
    setup.hello().tag("v1.0.0");
    assert_served(&setup).await;
    for config in named(&setup.folder.path().join("clones"), &["config"]) {
        fs::write(config, "[core]\n\tbare = true\n").unwrap();
    }
    let answer = setup.get(&format!("/{HELLO}/@v/list")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// That of another server in the same folder was killed.
#[tokio::test]
async fn a_clone_that_does_not_know_any_more_whose_it_is_is_made_anew() {
    let setup = Setup::new();
    setup.hello().tag("v1.0.0");
    assert_served(&setup).await;
    for clone in setup.clones() {
        fs::write(clone.with_extension("info"), "").unwrap();
    }
    let answer = setup.get(&format!("/{HELLO}/@v/list")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// git writes the whole archive into a temporary file of the go command.
#[tokio::test]
async fn temporary_files_go_with_the_command() {
    let (folder, setup) = hangs("*archive*", "env > $D/env");
    leave_there(&folder, &setup).await;
    let vars = fs::read_to_string(folder.path().join("env")).unwrap();
    let temporary = vars.lines().find_map(|line| line.strip_prefix("TMPDIR="));
    assert!(
        temporary
            .unwrap()
            .starts_with(setup.folder.path().to_str().unwrap())
    );
    let left = named(setup.folder.path(), &["run-", "go-codehost"]);
    assert_eq!(left, Vec::<PathBuf>::new());
    assert_served(&setup).await;
}

/// With the real git, whenever the client leaves.
#[tokio::test]
async fn after_clients_that_left_at_any_moment_a_module_is_there() {
    for round in 0..12_u64 {
        let setup = Setup::new();
        let repo = setup.hello();
        for i in 0..10 {
            let data = incompressible(200_000, i + 1);
            fs::write(repo.path().join(format!("{i}.bin")), data).unwrap();
        }
        repo.commit("big");
        repo.tag("v1.0.0");
        setup.goget.check().await.unwrap();
        let client = begin(&setup.goget, &zip());
        // Whatever the machine is busy with, one of the rounds hits each stage.
        let _ = tokio::time::timeout(Duration::from_millis(40 * round), async {
            until(|| client.is_finished()).await;
        })
        .await;
        leave(client).await;
        within_minutes(setup.goget.runs().idle()).await;
        let answer = setup.get(&zip()).await;
        assert_eq!(answer.status, 200, "round {round}: {}", answer.text());
    }
}

/// The server is killed while a command runs.
#[tokio::test]
async fn what_runs_for_a_server_that_was_killed_ends_with_the_next_one() {
    if let Some(words) = words() {
        let goget = GoGet::new(Settings::new(&words[0]).go(&words[1])).unwrap();
        let _client = begin(&goget, &zip());
        std::future::pending::<()>().await;
    }
    let (endless, folder) = (Endless::new(), TempDir::new().unwrap());
    let (cache, go) = (folder.path().to_str().unwrap(), endless.go());
    let test = "killed::what_runs_for_a_server_that_was_killed_ends_with_the_next_one";
    let mut server = Respawned::start(test, &[cache, go.to_str().unwrap()], &[]);
    endless.begun(1).await;
    until(|| living(&endless.groups()) >= 2).await;
    server.kill().await;
    assert!(living(&endless.groups()) >= 2);
    // Nothing is cleaned under it, since it holds the lock.
    endless.goget(folder.path()).check().await.unwrap();
    endless.gone().await;
    assert_eq!(named(folder.path(), &["run-"]), Vec::<PathBuf>::new());
}

/// As process 1 of a container does, this one takes orphans in.
#[tokio::test]
async fn a_server_that_takes_orphans_in_collects_those_of_its_commands() {
    let test = "killed::a_server_that_takes_orphans_in_collects_those_of_its_commands";
    let Some(_words) = words() else {
        let mut server = Respawned::start(test, &[""], &[]);
        assert_eq!(server.heard().await.as_deref(), Some("collected"));
        return;
    };
    let myself = Some(rustix::process::getpid());
    rustix::process::set_child_subreaper(myself).unwrap();
    let (endless, folder) = (Endless::new(), TempDir::new().unwrap());
    let goget = endless.goget(folder.path());
    for round in 1..=5 {
        let client = begin(&goget, &zip());
        endless.begun(round).await;
        until(|| living(&endless.groups()) >= 2).await;
        leave(client).await;
        within_minutes(goget.runs().idle()).await;
        // At once, zombies included: nobody else collects them.
        assert_eq!(living(&endless.groups()), 0);
    }
    say("collected");
}
