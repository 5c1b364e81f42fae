//! Options as flags, variables and lines of a file.

use std::fs;
use std::process::Stdio;

use http::StatusCode;
use tempfile::TempDir;
use tokio::process::Command;

use crate::proxy::{Proxy, command, refusal};
use crate::support::within_minutes;

/// A folder with a file of options.
pub(crate) fn file(text: &str) -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("server.toml");
    fs::write(&path, text).unwrap();
    let name = path.to_str().unwrap().to_owned();
    (folder, name)
}

async fn shown(mut command: Command) -> String {
    let output = within_minutes(command.output()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// `tower-goproxy config ARGS`.
fn config(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
    command.arg("config").args(args).env_clear();
    command
}

#[tokio::test]
async fn a_flag_comes_before_a_variable_and_a_variable_before_the_file() {
    let text = "storage = \"of-the-file\"\non-miss = \"wait\"\nretries = 7\nmetrics = true\n";
    let (_folder, name) = file(text);
    let mut command = config(&["--config", &name, "--on-miss", "not-found"]);
    command.env("TOWER_GOPROXY_ON_MISS", "redirect");
    command.env("TOWER_GOPROXY_RETRIES", "9");
    let shown = shown(command).await;
    for line in [
        "on-miss = \"not-found\"  # flag --on-miss".to_owned(),
        "retries = 9  # variable TOWER_GOPROXY_RETRIES".to_owned(),
        format!("storage = \"of-the-file\"  # file {name}"),
        format!("metrics = true  # file {name}"),
        "resumes = 3  # default".to_owned(),
        "# filter is not set".to_owned(),
    ] {
        assert!(
            shown.lines().any(|shown| shown == line),
            "{line} is not in\n{shown}"
        );
    }
}

#[tokio::test]
async fn what_is_shown_can_be_a_file_again_and_has_no_secrets() {
    let text = "basic-auth = \"dev:hunter2\"\nupstream = \"https://robot:hunter2@goproxy.example/go?key=hunter2,off\"\n\
        [[registry]]\nmodules = \"corp.example/*\"\nupstream = \"https://a:hunter2@corp.example\"\non-miss = \"wait\"\n";
    let (_folder, name) = file(text);
    let first = shown(config(&["--config", &name])).await;
    assert!(!first.contains("hunter2"), "{first}");
    assert!(
        first.contains("upstream = \"https://...@goproxy.example/go?...,off\""),
        "{first}"
    );
    assert!(first.contains("[[registry]]  # 1 of"), "{first}");
    let (_folder, name) = file(&first);
    let again = shown(config(&["--config", &name])).await;
    let values = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines
            .map(|line| line.split("  #").next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(values(&again), values(&first));
}

#[tokio::test]
async fn credentials_of_what_is_hardly_a_url_are_not_shown() {
    for upstream in [
        "robot:hunter2@goproxy.example",
        "https://goproxy.example,robot:hunter2@other.example",
        "https://robot:hunter2/x@goproxy.example",
        "https://robot:hunter2,x@goproxy.example",
        "https://robot:x,hunter2@goproxy.example|off",
    ] {
        let shown = shown(config(&["--upstream", upstream])).await;
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("upstream = "), "{shown}");
    }
    // These have none.
    for (option, value) in [
        ("--trusted-proxy", "10.0.0.0/8,fe80::abcd,fd00::/8"),
        (
            "--upstream",
            "http://127.0.0.1:8080,https://[::1]:443/go|goproxy.example:8443",
        ),
        ("--storage", "/srv/go@corp"),
    ] {
        let shown = shown(config(&[option, value])).await;
        assert!(
            shown.contains(&format!("{} = \"{value}\"", &option[2..])),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn a_variable_that_cannot_be_read_is_named() {
    for (name, value) in [
        ("RETRIES", "often"),
        ("LISTEN", ""),
        ("ON_MISS", "maybe"),
        ("METRICS", "1"),
    ] {
        let mut server = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
        let name = format!("TOWER_GOPROXY_{name}");
        server.env_clear().env(&name, value);
        let said = refusal(server, 2).await;
        let named = format!("The value is that of the variable {name}.\n");
        assert!(said.ends_with(&named), "{said}");
    }
    let mut server = command(&["--retries", "often"]);
    server.env("TOWER_GOPROXY_RETRIES", "2");
    let said = refusal(server, 2).await;
    assert!(!said.contains("variable"), "{said}");
}

#[tokio::test]
async fn an_unknown_variable_is_named_with_the_nearest_known_one_if_there_is_one() {
    for (name, hint) in [
        ("LISTN", ", did you mean `TOWER_GOPROXY_LISTEN`?"),
        (
            "MAX_REQUEST",
            ", did you mean `TOWER_GOPROXY_MAX_REQUESTS`?",
        ),
        ("HOME", ""),
        ("", ""),
    ] {
        let mut command = config(&[]);
        command.env(format!("TOWER_GOPROXY_{name}"), "x");
        let output = within_minutes(command.output()).await.unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let expected = format!("warning: unknown variable TOWER_GOPROXY_{name}{hint}\n");
        assert_eq!(said, expected);
        assert_eq!(output.status.code(), Some(0));
    }
}

#[tokio::test]
async fn a_wrong_line_of_the_file_is_named_with_the_nearest_known_key() {
    for (text, expected) in [
        (
            "listn = \"127.0.0.1:0\"",
            "unknown key `listn`, did you mean `listen`?",
        ),
        (
            "[[registy]]\nmodules = \"a\"",
            "unknown key `registy`, did you mean `registry`?",
        ),
        (
            "[[registry]]\nmodule = \"a.example\"\nupstream = \"off\"",
            "[[registry]] 1: unknown key `module`, did you mean `modules`?",
        ),
        (
            "[[registry]]\nmodules = \"a.example\"",
            "[[registry]] 1: missing field `upstream`",
        ),
        (
            "[registry]\nmodules = \"a.example\"",
            "write `[[registry]]`, in double brackets",
        ),
        (
            "retries = \"often\"",
            "invalid value 'often' for '--retries <TIMES>'",
        ),
        (
            "on-miss = \"wiat\"",
            "'--on-miss <ON_MISS>' [possible values: stream, wait, redirect, not-found]",
        ),
        (
            "metrics = [1]",
            "`metrics` must be a string, a number, a boolean, or a list of strings",
        ),
        ("retries = 1\non-miss", "line 2: not TOML: "),
    ] {
        let (_folder, name) = file(text);
        let said = refusal(command(&["--config", &name]), 2).await;
        assert!(said.starts_with(&format!("error: {name}: ")), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    let said = refusal(command(&["--config", "/nonexistent"]), 2).await;
    assert!(said.contains("No such file"), "{said}");
}

#[tokio::test]
async fn neither_errors_nor_help_have_a_secret() {
    for text in [
        "basic-auth = dev:hunter2",
        "basic-auth = \"dev:hunter2",
        "storage = \"memory:\"\nstorage = \"s3://key:hunter2@bucket\"",
        "basic-auth = { dev = \"hunter2\" }",
    ] {
        let (_folder, name) = file(text);
        let said = refusal(command(&["--config", &name]), 2).await;
        assert!(!said.contains("hunter2"), "{said}");
    }
    for storage in ["ftp://key:hunter2@bucket/x", "ftp://bucket/x?key=hunter2"] {
        let said = refusal(command(&["--storage", storage]), 1).await;
        assert!(!said.contains("hunter2"), "{said}");
    }
    let mut help = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
    help.args(["serve", "--help"]).env_clear();
    help.env(
        "TOWER_GOPROXY_UPSTREAM",
        "https://robot:hunter2@goproxy.example",
    );
    let shown = shown(help).await;
    assert!(
        shown.contains("TOWER_GOPROXY_UPSTREAM") && !shown.contains("hunter2"),
        "{shown}"
    );
}

#[tokio::test]
async fn help_and_version_are_no_errors_and_an_unknown_option_is_one() {
    for (args, expected) in [
        (&["--help"][..], "config"),
        (&["serve", "--help"], "TOWER_GOPROXY_LISTEN"),
        (&["config", "--help"], "TOWER_GOPROXY_LISTEN"),
        (&["check", "--help"], "TOWER_GOPROXY_MATCH_CASE"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
        command.args(args).env_clear();
        let shown = shown(command).await;
        assert!(shown.contains(expected), "{shown}");
    }
    for command_name in [None, Some("serve"), Some("config"), Some("check")] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
        command.args(command_name).arg("--version").env_clear();
        let version = format!("tower-goproxy {}\n", env!("CARGO_PKG_VERSION"));
        assert_eq!(shown(command).await, version);
    }
    let said = refusal(command(&["--listn", "x"]), 2).await;
    assert!(said.contains("--listen"), "{said}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
    command.arg("sevre").env_clear();
    assert!(refusal(command, 2).await.contains("serve"));
}

#[tokio::test]
async fn options_that_cannot_be_shown_are_an_error() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full");
    let mut command = config(&[]);
    command.stdout(full.unwrap()).stderr(Stdio::piped());
    let output = within_minutes(command.spawn().unwrap().wait_with_output()).await;
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.starts_with("error: "), "{said}");
}

#[tokio::test]
async fn match_case_compares_rules_exactly() {
    let (_folder, name) =
        file("- github.com/Sirupsen/logrus\nignore-case corp.example\n- corp.example/A\n");
    for (options, refused) in [
        (&[][..], true),
        (&["--match-case"], false),
        (&["--match-case=false"], true),
    ] {
        let args = [
            "--storage",
            "memory:",
            "--upstream",
            "off",
            "--filter",
            &name,
        ];
        let proxy = Proxy::start(&[&args[..], options].concat()).await;
        for path in [
            "/github.com/sirupsen/logrus/@v/list",
            "/corp.example/a/@v/list",
        ] {
            let status = proxy.get(path).await.status;
            let is_refused = status == Some(StatusCode::FORBIDDEN);
            assert_eq!(is_refused, refused, "{options:?} {path}: {status:?}");
        }
        let old = proxy.get("/github.com/!sirupsen/logrus/@v/list").await;
        assert_eq!(old.status, Some(StatusCode::FORBIDDEN));
    }
}
