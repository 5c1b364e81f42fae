//! Options as flags, variables and lines of a file.

use std::fs;

use tempfile::TempDir;
use tokio::process::Command;

use crate::proxy::{Proxy, command, refusal};
use crate::support::within_minutes;

/// A folder with a file of options.
fn file(text: &str) -> (TempDir, String) {
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
        (&["--version"], env!("CARGO_PKG_VERSION")),
        (&["serve", "--version"], env!("CARGO_PKG_VERSION")),
        (&["config", "--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
        command.args(args).env_clear();
        let shown = shown(command).await;
        assert!(shown.contains(expected), "{shown}");
    }
    let said = refusal(command(&["--listn", "x"]), 2).await;
    assert!(said.contains("--listen"), "{said}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
    command.arg("sevre").env_clear();
    assert!(refusal(command, 2).await.contains("serve"));
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
            "Mode = \"sync\"\ndownload \"github.com/gomods/*\" {\n}\n",
            "TOML",
        ),
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
            let is_refused = status == Some(http::StatusCode::FORBIDDEN);
            assert_eq!(is_refused, refused, "{options:?} {path}: {status:?}");
        }
        let old = proxy.get("/github.com/!sirupsen/logrus/@v/list").await;
        assert_eq!(old.status, Some(http::StatusCode::FORBIDDEN));
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
