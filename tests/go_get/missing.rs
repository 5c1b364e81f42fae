//! What is missing on the server: told by the check, and by every answer.

use std::fs;

use tempfile::TempDir;
use tower_goproxy::GoGet;
use tower_goproxy::goget::Settings;

use crate::errors::assert_error;
use crate::setup::{HELLO, Setup, script};
use crate::support::go::program;
use crate::support::{StaticRegistry, company};

/// The check and an answer say the same in their ways.
async fn assert_missing(setup: &Setup, log: &str, text: &str) {
    let error = setup.goget.check().await.unwrap_err();
    assert!(error.to_string().contains(log), "{error}");
    assert_eq!(error.status(), 500);
    let answer = setup.get(&format!("/{HELLO}/@v/v1.0.0.zip")).await;
    assert_error(&answer, 500, text);
}

#[tokio::test]
async fn all_is_there() {
    let setup = Setup::new();
    setup.goget.check().await.unwrap();
}

#[tokio::test]
async fn no_go_command() {
    let setup = Setup::new().with(|goget| goget.go("/nonexistent/go"));
    assert_missing(
        &setup,
        "/nonexistent/go: no such go command",
        "it has no go command",
    )
    .await;
}

#[tokio::test]
async fn a_go_command_that_is_none_or_too_old() {
    let folder = TempDir::new().unwrap();
    let old = script(
        folder.path(),
        "old",
        "echo go version go1.20.14 linux/amd64",
    );
    let setup = Setup::new().with(|goget| goget.go(old));
    assert_missing(
        &setup,
        "Go 1.20, and 1.21 or later is needed",
        "older than 1.21",
    )
    .await;

    let other = script(folder.path(), "other", "echo usage >&2; exit 2");
    let setup = setup.with(|goget| goget.go(other));
    assert_missing(&setup, "not a go command: usage", "it has no go command").await;
}

#[tokio::test]
async fn a_go_command_that_comes_later_is_found() {
    let folder = TempDir::new().unwrap();
    let go = folder.path().join("go");
    let setup = Setup::new().with(|goget| goget.go(&go));
    setup.hello().tag("v1.0.0");
    let path = format!("/{HELLO}/@v/list");
    assert_eq!(setup.get(&path).await.status, 500);
    std::os::unix::fs::symlink(program(), &go).unwrap();
    assert_eq!(setup.get(&path).await.status, 200);
}

#[tokio::test]
async fn no_git_command() {
    let empty = TempDir::new().unwrap();
    let setup = Setup::new().with(|goget| goget.env("PATH", empty.path()));
    setup.hello().tag("v1.0.0");
    assert_missing(&setup, "there is no git command", "it has no git command").await;
    // The message of the go command is another one here.
    for path in [
        "/github.com/team/hello/@v/v1.0.0.zip",
        "/github.com/team/hello/@v/list",
    ] {
        assert_error(&setup.get(path).await, 500, "it has no git command");
    }
}

#[tokio::test]
async fn what_a_registry_has_needs_no_git() {
    let tree = company::registry();
    let registry = StaticRegistry::start(tree.root()).await;
    let empty = TempDir::new().unwrap();
    let setup = Setup::new().with(|goget| {
        goget
            .env("PATH", empty.path())
            .proxy(format!("{},direct", registry.url()))
    });
    let said = setup.goget.check().await.unwrap_err().to_string();
    assert!(said.contains("there is no git command"), "{said}");
    for path in ["list", "v1.2.0.info", "v1.2.0.mod", "v1.2.0.zip"] {
        let answer = setup.get(&format!("/example.com/base/@v/{path}")).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    let answer = setup.get(&format!("/{HELLO}/@v/v1.0.0.zip")).await;
    assert_error(&answer, 500, "it has no git command");
}

#[tokio::test]
async fn a_folder_that_is_none_or_inside_of_a_module() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let with = |name: &str| Settings::new(folder.path().join(name)).go(program());
    let setup = Setup::new().with(|_| with("file"));
    assert_missing(&setup, "file: ", "its folder for modules cannot be used").await;

    fs::write(folder.path().join("go.mod"), "no module").unwrap();
    let setup = setup.with(|_| with("cache"));
    assert_missing(
        &setup,
        "go.mod would be the module",
        "is inside of a module",
    )
    .await;
}

#[tokio::test]
async fn what_a_process_that_is_gone_has_left_is_removed() {
    let setup = Setup::new();
    let left = setup.folder.path().join("run-left");
    fs::create_dir(&left).unwrap();
    setup.goget.check().await.unwrap();
    assert!(!left.exists());
    // Nor is anything left of this one.
    let entries = fs::read_dir(setup.folder.path()).unwrap().flatten();
    let names: Vec<_> = entries.map(|entry| entry.file_name()).collect();
    assert_eq!(names, ["clones"]);
}

#[tokio::test]
async fn a_folder_that_is_removed_while_the_service_runs_is_made_again() {
    let setup = Setup::new();
    setup.hello().tag("v1.0.0");
    let path = format!("/{HELLO}/@v/v1.0.0.zip");
    assert_eq!(setup.get(&path).await.status, 200);
    for entry in fs::read_dir(setup.folder.path()).unwrap().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => fs::remove_dir_all(entry.path()).unwrap(),
            false => fs::remove_file(entry.path()).unwrap(),
        }
    }
    assert_eq!(setup.get(&path).await.status, 200);
}

#[tokio::test]
async fn a_go_command_that_has_gone_is_missed_and_found_again() {
    let folder = TempDir::new().unwrap();
    let text = format!("exec '{}' \"$@\"", program().display());
    let go = script(folder.path(), "go", &text);
    let setup = Setup::new().with(|goget| goget.go(&go));
    setup.hello().tag("v1.0.0");
    setup.goget.check().await.unwrap();
    fs::remove_file(&go).unwrap();
    assert_missing(&setup, "no such go command", "it has no go command").await;
    script(folder.path(), "go", &text);
    assert_eq!(
        setup.get(&format!("/{HELLO}/@v/v1.0.0.zip")).await.status,
        200
    );
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_waits_for_the_first_look_at_a_go_command_can_leave() {
    use crate::processes::{begin, leave, until};

    let folder = TempDir::new().unwrap();
    let text = format!("touch '{0}/begun'; cat '{0}/fifo'", folder.path().display());
    let made = std::process::Command::new("mkfifo")
        .arg(folder.path().join("fifo"))
        .status();
    assert!(made.unwrap().success());
    let go = script(folder.path(), "go", &text);
    let goget = GoGet::new(Settings::new(folder.path().join("cache")).go(go)).unwrap();
    let first = begin(&goget, "/example.com/a/@v/v1.0.0.zip");
    until(|| folder.path().join("begun").exists()).await;
    let before = goget.runs().running();
    let second = begin(&goget, "/example.com/b/@v/v1.0.0.zip");
    until(|| goget.runs().running() > before).await;
    leave(second).await;
    until(|| goget.runs().running() == before).await;
    leave(first).await;
    crate::support::within(goget.runs().idle()).await;
}
