//! A git that fails for a moment, which the go command takes for a repository without a go.mod.

use std::fs;

use tempfile::TempDir;

use crate::setup::{HELLO, Setup, git, script};

const MOD: &str = "module example.com/team/hello.git\n\ngo 1.20\n\nrequire example.com/x v1.2.3\n";

/// A service whose git reads no files as long as there is no file `ok`, or but once.
fn failing(once: bool) -> (TempDir, Setup) {
    let folder = TempDir::new().unwrap();
    let path = std::env::var_os("PATH").unwrap();
    let text = format!(
        "case \"$*\" in *cat-file*) if [ ! -e '{0}/ok' ]; then {1} kill -9 $$; fi;; esac\n\
         exec '{2}' \"$@\"",
        folder.path().display(),
        if once {
            "touch \"$(dirname \"$0\")/ok\";"
        } else {
            ""
        },
        git().display()
    );
    script(folder.path(), "git", &text);
    let folders = std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).unwrap();
    let setup = Setup::new().with(|goget| goget.env("PATH", path));
    let repo = setup.hello();
    repo.write("go.mod", MOD);
    repo.commit("two");
    repo.tag("v1.0.0");
    (folder, setup)
}

fn path(extension: &str) -> String {
    format!("/{HELLO}/@v/v1.0.0.{extension}")
}

#[tokio::test]
async fn a_go_mod_that_was_made_up_is_not_served_beside_a_zip_that_has_one() {
    let (_folder, setup) = failing(true);
    assert_eq!(setup.get(&path("zip")).await.status, 200);
    assert_eq!(setup.text(&path("mod")).await, MOD);
}

#[tokio::test]
async fn a_go_mod_that_was_made_up_for_an_info_is_not_served() {
    let (folder, setup) = failing(false);
    assert_eq!(setup.get(&path("info")).await.status, 200);
    fs::write(folder.path().join("ok"), "").unwrap();
    assert_eq!(setup.text(&path("mod")).await, MOD);
}

/// The zip has it.
#[tokio::test]
async fn as_long_as_git_fails_the_go_mod_is_that_of_the_zip() {
    let (_folder, setup) = failing(false);
    for extension in ["mod", "zip", "mod"] {
        assert_eq!(setup.get(&path(extension)).await.status, 200);
    }
    assert_eq!(setup.text(&path("mod")).await, MOD);
}

#[tokio::test]
async fn a_module_without_a_go_mod_has_one_that_was_made_up() {
    let setup = Setup::new();
    let repo = setup.repos.init("team/hello");
    repo.write("hello.go", "package hello\n");
    repo.commit("one");
    repo.tag("v1.0.0");
    for extension in ["info", "mod", "zip", "mod"] {
        let answer = setup.get(&path(extension)).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(setup.text(&path("mod")).await, format!("module {HELLO}\n"));
}
