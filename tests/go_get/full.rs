//! A disk that takes no more.
#![cfg(unix)]

use std::fs;

use tempfile::TempDir;
use tower_goproxy::goget::Settings;

use crate::errors::assert_error;
use crate::setup::{HELLO, Setup, git, script};
use crate::support::go::program;
use crate::support::incompressible;

/// The system ends each write beyond so many blocks of 512 bytes, as it does beyond the quota of a user.
async fn assert_limited(data: Vec<u8>) {
    let folder = TempDir::new().unwrap();
    let limited = format!("ulimit -f 300\nexec '{}' \"$@\"", program().display());
    let go = script(folder.path(), "go", &limited);
    let setup = Setup::new().with(|goget| goget.go(go));
    let repo = setup.hello();
    fs::write(repo.path().join("data"), data).unwrap();
    repo.commit("data");
    repo.tag("v1.0.0");
    let path = format!("/{HELLO}/@v/v1.0.0.zip");
    for _ in 0..2 {
        assert_error(&setup.get(&path).await, 500, "trouble on the server");
    }
    // With room it is there.
    let setup = setup.with(|goget| goget.go(program()));
    let answer = setup.get(&path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn a_clone_that_may_not_grow_is_trouble_on_the_server() {
    assert_limited(incompressible(1 << 20, 1)).await;
}

#[tokio::test]
async fn a_file_that_may_not_grow_is_trouble_on_the_server() {
    // Small as git keeps it and in the zip, large when it is extracted.
    assert_limited(vec![0; 1 << 20]).await;
}

/// A disk without room needs one of its own, which only root can make. What git says of it is well known.
#[tokio::test]
async fn a_git_that_finds_no_room_is_trouble_on_the_server() {
    let path = std::env::var_os("PATH").unwrap();
    for said in ["No space left on device", "Disk quota exceeded"] {
        let folder = TempDir::new().unwrap();
        let text = format!(
            "case \"$*\" in *ls-remote*) echo 'fatal: write error: {said}' >&2; exit 128;; esac\n\
             exec '{}' \"$@\"",
            git().display()
        );
        script(folder.path(), "git", &text);
        let folders = std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&path));
        let path = std::env::join_paths(folders).unwrap();
        let setup = Setup::new().with(|goget| goget.env("PATH", path));
        let answer = setup.get("/github.com/team/m/@v/v1.0.0.zip").await;
        assert_error(&answer, 500, "trouble on the server");
    }
}

/// The file system says so, whatever the message is. That of processes never has room.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_system_without_room_is_trouble_on_the_server() {
    let setup = Setup::new();
    let without = Settings::new("/proc").go(program());
    let setup = setup.with(|_| without);
    let answer = setup.get("/github.com/team/m/@v/v1.0.0.zip").await;
    assert_error(&answer, 500, "trouble on the server");
}
