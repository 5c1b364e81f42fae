//! Repositories of strangers that hold every text that means something elsewhere: nothing of another module changes.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::errors::assert_error;
use crate::setup::{HELLO, Setup, git, script};
use crate::shared::counted;
use crate::support::{Server, get};

/// Texts by which messages are classified, or once made the service remove something.
const TEXTS: [&str; 9] = [
    "No space left on device",
    "not a git repository",
    "'origin' does not appear to be a git repository",
    "shallow.lock': File exists",
    "checksum mismatch",
    "SSL_ERROR",
    "returned error: 429",
    "object file ",
    "SECURITY ERROR",
];

fn changed(clone: &Path) -> SystemTime {
    fs::metadata(clone.join("HEAD"))
        .unwrap()
        .modified()
        .unwrap()
}

#[tokio::test]
async fn names_of_files_say_nothing_and_harm_nobody() {
    let setup = Setup::new();
    setup.hello().tag("v1.0.0");
    assert_eq!(
        setup.get(&format!("/{HELLO}/@v/v1.0.0.info")).await.status,
        200
    );
    let victim = setup.clones().remove(0);
    let before = changed(&victim);
    let name = victim.file_name().unwrap().to_str().unwrap();
    let repo = setup.repos.module("team/evil", "github.com/team/evil");
    for (i, text) in TEXTS.iter().enumerate() {
        // No zip can hold such a file, and the message has its name.
        repo.write(&format!("cache/vcs/{name}: {text}:{i}"), "");
    }
    repo.commit("evil");
    repo.tag("v1.0.0");
    for file in ["v1.0.0.info", "v1.0.0.zip", "v1.0.0.zip"] {
        let answer = setup.get(&format!("/github.com/team/evil/@v/{file}")).await;
        if file.ends_with("zip") {
            assert_eq!(answer.status, 404, "{}", answer.text());
        }
    }
    assert_eq!(changed(&victim), before);
    let answer = setup.get(&format!("/{HELLO}/@v/v1.0.0.zip")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn names_in_queries_say_nothing() {
    let setup = Setup::new();
    setup.hello().tag("v1.0.0");
    for name in [
        "SSL_ERROR",
        "tile",
        "revision",
        "x509:",
        "dial tcp",
        "SECURITY ERROR",
    ] {
        let name = name.replace(' ', "%20");
        let answer = setup.get(&format!("/{HELLO}/@v/{name}.info")).await;
        assert_eq!(answer.status, 404, "{name}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_password_that_is_a_word_of_messages_changes_no_class() {
    let setup = Setup::new().with(|settings| {
        let settings = settings.credentials("example.com", "robot", "revision");
        settings.unwrap()
    });
    setup.hello().tag("v1.0.0");
    let answer = setup.get(&format!("/{HELLO}/@v/v1.0.1.info")).await;
    assert_error(&answer, 404, "unknown xxxxx v1.0.1");
}

/// Nothing of a repository is run or followed: hooks, submodules, LFS, links.
#[tokio::test]
async fn what_is_in_a_repository_is_not_run() {
    let setup = Setup::new();
    let (repo, mark) = (setup.hello(), setup.folder.path().join("ran"));
    let touch = format!("touch {}", mark.display());
    repo.write(
        ".gitattributes",
        "* filter=evil diff=evil\n*.bin filter=lfs\n",
    );
    repo.write(
        "big.bin",
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    );
    repo.write(
        ".gitmodules",
        "[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c touch% /tmp/ran\n\tupdate = !touch ran\n",
    );
    repo.write(".gitconfig", &format!("[core]\n\tfsmonitor = {touch}\n"));
    std::os::unix::fs::symlink("/etc/passwd", repo.path().join("link")).unwrap();
    repo.write("hooks/post-checkout", &format!("#!/bin/sh\n{touch}\n"));
    repo.commit("evil");
    repo.tag("v1.0.0");
    let zip = setup.get(&format!("/{HELLO}/@v/v1.0.0.zip")).await;
    assert_eq!(zip.status, 200, "{}", zip.text());
    let zip = zip::ZipArchive::new(std::io::Cursor::new(zip.body)).unwrap();
    assert!(
        zip.file_names()
            .all(|name| !name.unwrap().ends_with("/link"))
    );
    assert!(!mark.exists());
}

/// Whatever it said, and no more often than that.
#[tokio::test]
async fn a_failure_with_an_older_clone_is_tried_again_once_an_hour() {
    let (setup, _folder, runs) = counted();
    setup.hello().tag("v1.0.0");
    let path = |version: &str| format!("/{HELLO}/@v/{version}.info");
    assert_eq!(setup.get(&path("v1.5.0")).await.status, 404);
    // That clone was new.
    assert_eq!(runs("list"), 1);
    for (version, want) in [("v1.5.0", 3), ("v1.5.1", 4), ("v1.5.0", 5)] {
        assert_eq!(setup.get(&path(version)).await.status, 404);
        assert_eq!(runs("list"), want, "{version}");
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(60 * 60)).await;
    tokio::time::resume();
    assert_eq!(setup.get(&path("v1.5.0")).await.status, 404);
    assert_eq!(runs("list"), 7);
    // One of another module has nothing to do with it.
    assert_eq!(setup.get("/github.com/team/none/@v/list").await.status, 404);
    assert_eq!(runs("list"), 8);
}

/// What a host says is shown, and means nothing.
#[tokio::test]
async fn what_a_host_says_changes_no_class_and_no_terminal() {
    let folder = TempDir::new().unwrap();
    let lines: String = TEXTS
        .iter()
        .map(|text| format!("remote: \u{1b}[31m{text}\u{7}\n"))
        .collect();
    fs::write(folder.path().join("said"), lines).unwrap();
    let text = format!(
        "case \"$*\" in *ls-remote*) cat '{}/said' >&2; echo 'fatal: no' >&2; exit 128;; esac\nexec '{}' \"$@\"",
        folder.path().display(),
        git().display()
    );
    script(folder.path(), "git", &text);
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap()
    );
    let setup = Setup::new().with(|settings| settings.env("PATH", path));
    let path = "/github.com/team/m/@v/v1.0.0.info";
    let answer = setup.get(path).await;
    assert_error(&answer, 502, "remote: ");
    let error = setup.goget.try_call(&get(path)).await.unwrap_err();
    for text in [answer.text(), error.to_string(), error.reason()] {
        let text = text.trim_end_matches('\n');
        assert!(!text.contains(char::is_control), "{text:?}");
    }
}

/// Whatever a repository holds that names other hosts: none of them is asked, and none learns a secret.
#[tokio::test]
async fn a_repository_makes_nothing_leave_for_hosts_that_it_names() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    // All traffic of the commands goes through it.
    let recorder = Server::handle("http", move |mut stream| {
        let log = Arc::clone(&log);
        async move {
            let mut sent = vec![0; 1 << 16];
            let read = stream.read(&mut sent).await.unwrap_or_default();
            sent.truncate(read);
            log.lock().unwrap().extend(sent);
            let _ = stream
                .write_all(b"HTTP/1.1 502 no\r\ncontent-length: 0\r\n\r\n")
                .await;
        }
    })
    .await;
    let folder = TempDir::new().unwrap();
    let netrc = folder.path().join("netrc");
    let hosts = ["lfs.example", "sub.example", "evil.example", "example.com"];
    let text: String = hosts
        .iter()
        .map(|host| format!("machine {host} login robot password hunter2\n"))
        .collect();
    fs::write(&netrc, text).unwrap();
    let setup = Setup::new().with(|goget| {
        let goget = crate::hosts::everywhere(goget, &recorder.url()).insecure("*");
        let header = "http.https://lfs.example/.extraHeader";
        goget
            .netrc(&netrc)
            .unwrap()
            .credentials("sub.example", "robot", "hunter3")
            .unwrap()
            .git_config(header, "X-Token: hunter4")
            .private("example.com")
    });
    let repo = setup.hello();
    for (name, text) in [
        (
            ".gitmodules",
            "[submodule \"x\"]\n\tpath = x\n\turl = https://sub.example/x\n",
        ),
        (".lfsconfig", "[lfs]\n\turl = https://lfs.example/x\n"),
        (
            ".gitattributes",
            "*.bin filter=lfs diff=lfs merge=lfs -text\n",
        ),
        (
            "a.bin",
            "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        ),
        (
            "go.mod",
            "module example.com/team/hello.git\n\ngo 1.20\n\nrequire evil.example/y v1.0.0\n\n\
             replace evil.example/y => sub.example/z v1.0.0\n",
        ),
    ] {
        repo.write(name, text);
    }
    repo.commit("evil");
    repo.tag("v1.0.0");
    for file in [
        "@v/list",
        "@latest",
        "@v/main.info",
        "@v/v1.0.0.info",
        "@v/v1.0.0.mod",
        "@v/v1.0.0.zip",
    ] {
        let answer = setup.get(&format!("/{HELLO}/{file}")).await;
        assert_eq!(answer.status, 200, "{file}: {}", answer.text());
    }
    assert_eq!(String::from_utf8_lossy(&seen.lock().unwrap()), "");

    // The paths that a client asks for do lead there, without what others are told.
    for host in ["evil.example", "lfs.example"] {
        let answer = setup.get(&format!("/{host}/y/@v/v1.0.0.info")).await;
        assert_eq!(answer.status, 502, "{}", answer.text());
    }
    let seen = String::from_utf8_lossy(&seen.lock().unwrap()).into_owned();
    assert!(
        seen.contains("evil.example") && seen.contains("lfs.example"),
        "{seen}"
    );
    for secret in ["hunter", "Basic", "aHVudGVy", "robot"] {
        assert!(!seen.contains(secret), "{seen}");
    }
}
