//! What a server says that does not start, and what it needs to start.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use http::StatusCode;
use tempfile::TempDir;
use tokio::net::unix::pipe::OpenOptions;
use tokio::process::Command;

use crate::MOD;
use crate::config::file;
use crate::proxy::{Proxy, command, refusal};
use crate::support::{Answer, ScriptedRegistry, within_minutes};

#[tokio::test]
async fn rules_and_users_do_not_come_from_a_pipe_that_has_them_once() {
    let folder = TempDir::new().unwrap();
    let pipe = folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(&pipe).status().await;
    assert!(made.unwrap().success());
    let name = pipe.to_str().unwrap();
    for option in ["--filter", "--users", "--tokens"] {
        let said = refusal(command(&["--storage", "memory:", option, name]), 1).await;
        let expected = format!("error: {name}: not a regular file");
        assert!(said.starts_with(&expected), "{said}");
    }
}

/// While the server reads a netrc file, which comes after the rules.
#[tokio::test]
async fn a_file_that_changes_during_the_start_is_read_again() {
    let (folder, rules) = file("+\n");
    let pipe = folder.path().join("netrc");
    let made = Command::new("mkfifo").arg(&pipe).status().await;
    assert!(made.unwrap().success());
    // Once the server reads, it can be opened.
    let opened = async || loop {
        match OpenOptions::new().open_sender(&pipe) {
            Ok(sender) => break sender,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    let netrc = pipe.display();
    let text = format!(
        "storage = \"memory:\"\nupstream = \"off\"\nfilter = \"{rules}\"\n\
         [[registry]]\nmodules = \"corp.example\"\nupstream = \"off\"\nnetrc = \"{netrc}\"\n"
    );
    let (_config, config) = file(&text);
    let starting = Proxy::run(command(&["--config", &config]));
    let changed = async {
        let _first = opened().await;
        fs::write(&rules, "-\n").unwrap();
    };
    let (proxy, ()) = within_minutes(async { tokio::join!(starting, changed) }).await;
    drop(within_minutes(opened()).await);
    let status = async || proxy.get(MOD).await.status;
    within_minutes(async { while status().await != Some(StatusCode::FORBIDDEN) {} }).await;
}

#[tokio::test]
async fn an_object_store_is_told_only_what_is_meant_for_it() {
    let store = ScriptedRegistry::http1(|_| Answer::text(StatusCode::NOT_FOUND, "")).await;
    let mut server = command(&["--storage", "s3://bucket/folder", "--upstream", "off"]);
    for (name, value) in [
        ("AWS_ENDPOINT", &*store.url()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_REGION", "eu-1"),
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "key"),
        ("TOKEN", "of another"),
        ("REGION", "elsewhere-1"),
        ("ENDPOINT", "http://127.0.0.1:1"),
    ] {
        server.env(name, value);
    }
    server.env("BYTES", OsStr::from_bytes(b"\xff"));
    let _proxy = Proxy::run(server).await;
    let asked = store.requests().all();
    assert!(!asked.is_empty());
    for request in asked {
        assert_eq!(request.headers.get("x-amz-security-token"), None);
        let signed = request.headers["authorization"].to_str().unwrap();
        assert!(signed.contains("/eu-1/"), "{signed}");
    }
}

#[tokio::test]
async fn a_prefix_that_is_not_a_plain_path_is_refused() {
    for prefix in [
        "/{x", "/{*x}", "/:x", "/*x", "/healthz", "/a//b", "/../x", "/a b", "/a?b",
    ] {
        let args = ["--storage", "memory:", "--prefix", prefix];
        let said = refusal(command(&args), 1).await;
        assert!(
            said.starts_with(&format!("error: --prefix {prefix}: ")),
            "{said}"
        );
    }
}

#[tokio::test]
async fn a_filter_file_made_for_something_else_is_named_as_such() {
    for (text, expected) in [
        (
            "D\n# not through the registry\n+ git.corp.example\n",
            "today's Athens",
        ),
        (
            "downloadURL = \"https://proxy.golang.org\"\ndownload \"github.com/gomods/*\" {\n}\n",
            "HCL",
        ),
        ("Mode = \"sync\"\n[download]\n", "TOML"),
        (
            "download \"github.com/gomods/*\" {\n  mode = \"sync\"\n}\n",
            "HCL",
        ),
        ("{\"rules\": []}\n", "JSON"),
        ("[rules]\ninclude = \"x\"\n", "TOML"),
    ] {
        let (_folder, name) = file(text);
        let args = ["--storage", "memory:", "--filter", &name];
        let said = refusal(command(&args), 1).await;
        assert!(said.contains(expected), "{said}");
    }
    // These mean what they say here.
    for text in [
        "+\nD git.corp.example\n",
        "D\n",
        "-\n+ a.example\nD b.example\n",
    ] {
        let (_folder, name) = file(text);
        Proxy::start(&["--storage", "memory:", "--filter", &name]).await;
    }
}

#[tokio::test]
async fn direct_entries_without_rules_or_without_a_go_command_are_refused() {
    let (_rules, rules) = file("+\nD corp.example\n");
    let text = "storage = \"memory:\"\n[[direct]]\nmodules = \"corp.example\"\n";
    let (_folder, name) = file(text);
    let said = refusal(command(&["--config", &name]), 1).await;
    assert!(said.contains("[[direct]] needs --filter"), "{said}");
    let said = refusal(command(&["--config", &name, "--filter", &rules]), 1).await;
    assert!(said.contains("direct modules cannot be fetched"), "{said}");
}

#[tokio::test]
async fn a_storage_that_cannot_be_used_ends_the_start_with_its_name() {
    let folder = TempDir::new().unwrap();
    let taken = folder.path().join("file");
    fs::write(&taken, "").unwrap();
    let name = taken.to_str().unwrap();
    let said = refusal(command(&["--storage", name]), 1).await;
    assert!(
        said.starts_with(&format!("error: the storage {name} cannot be used: ")),
        "{said}"
    );
    for name in ["gs://bucket/folder", "https://objects.example/x", "ftp://x"] {
        let said = refusal(command(&["--storage", name]), 1).await;
        let expected = "want a folder, `memory:` or s3://BUCKET/FOLDER";
        let expected = format!("error: the storage {name} cannot be used: {expected}\n");
        assert_eq!(said, expected);
    }

    // It comes while it is waited for.
    let mut waiting = command(&["--storage", name, "--wait-for-storage", "600"]);
    waiting.stderr(std::process::Stdio::piped());
    let mut child = waiting
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    use tokio::io::{AsyncBufReadExt as _, BufReader};
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = within_minutes(log.next_line()).await.unwrap().unwrap();
    assert!(line.contains("waiting for the storage"), "{line}");
    fs::remove_file(&taken).unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = within_minutes(said.next_line()).await.unwrap().unwrap();
    assert!(line.starts_with("listening on "), "{line}");
}

#[tokio::test]
async fn limits_that_make_no_sense_are_refused() {
    for args in [
        ["--client-timeout", "0"],
        ["--stall-timeout", "soon"],
        ["--max-streams", "0"],
        ["--max-share", "101"],
        ["--connect-timeout", "0"],
        ["--first-byte-timeout", "0"],
        ["--idle-timeout", "0"],
    ] {
        let said = refusal(command(&args), 2).await;
        assert!(said.contains(args[0]), "{said}");
    }
    let proxy = Proxy::start(&["--storage", "memory:"]).await;
    let listen = proxy.address.to_string();
    let mut second = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
    second
        .args(["--storage", "memory:", "--listen", &listen])
        .env_clear();
    let said = refusal(second, 1).await;
    assert!(
        said.starts_with(&format!("error: cannot listen on {listen}: ")),
        "{said}"
    );
}
