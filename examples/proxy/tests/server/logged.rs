//! What the log says of requests, and of those who send them.

use std::net::TcpListener;
use std::process::Stdio;

use serde_json::Value;
use tempfile::TempDir;
use tokio::process::Command;

use crate::observed::next_access;
use crate::proxy::{Proxy, command};
use crate::support::{Answer, ScriptedRegistry, within_minutes};
use crate::users::{basic, get_as, sha256};

const LIST: &str = "/example.com/m/@v/list";
const TOKEN: &str = "Bearer a-random-token";

#[tokio::test]
async fn each_kind_of_answer_has_a_name_and_each_token_too() {
    let registry = ScriptedRegistry::serving(LIST, Answer::new(["v1.0.0\n"])).await;
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let filter = write("filter.conf", "+\nD direct.example\n");
    let tokens = write("tokens", &format!("ci {}\n", sha256("a-random-token")));
    let upstream = registry.url();
    let text = format!(
        "upstream = \"{upstream}\"\nstorage = \"{}\"\nfilter = \"{filter}\"\ntokens = \"{tokens}\"\n\
         log-format = \"json\"\n[[registry]]\nmodules = \"redirected.example\"\n\
         upstream = \"{upstream}\"\non-miss = \"redirect\"\n",
        folder.path().join("modules").display(),
    );
    let config = write("server.toml", &text);
    let start = async || Proxy::with_log(command(&["--config", &config])).await;

    let (proxy, mut log) = start().await;
    get_as(&proxy, LIST, TOKEN).await.whole();
    assert_eq!(next_access(&mut log).await["answer"], "miss");
    proxy.terminate().await;
    assert_eq!(proxy.ended().await.code(), Some(0));
    registry.shutdown().await;
    let (proxy, mut log) = start().await;
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    for (path, status, answer, rule) in [
        (LIST, 200, "stale", "include"),
        ("/direct.example/m/@v/list", 502, "direct", "direct"),
        (
            "/redirected.example/m/@v/v1.0.0.zip",
            303,
            "redirect",
            "include",
        ),
        ("/nothing", 404, "other", "-"),
    ] {
        get_as(&proxy, path, TOKEN).await;
        let line = next_access(&mut log).await;
        found.push(["status", "answer", "rule", "user"].map(|name| line[name].clone()));
        expected.push([status.into(), answer.into(), rule.into(), Value::from("ci")]);
    }
    assert_eq!(found, expected);
}

/// A name may be a password in the wrong place.
#[tokio::test]
async fn wrong_credentials_are_logged_with_the_address_alone() {
    let args = ["--storage", "memory:", "--upstream", "off", "--log-format"];
    let own = ["json", "--basic-auth", "dev:secret"];
    let (proxy, mut log) = Proxy::with_log(command(&[&args[..], &own].concat())).await;
    for wrong in [&*basic("mallory", "guess"), "Bearer guess"] {
        get_as(&proxy, LIST, wrong).await;
        let line = within_minutes(async {
            loop {
                let line = log.next_line().await.unwrap().unwrap();
                assert!(
                    !line.contains("mallory") && !line.contains("guess"),
                    "{line}"
                );
                if line.contains("wrong credentials") {
                    break line;
                }
            }
        })
        .await;
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["client"], "127.0.0.1", "{line}");
        let names = line.as_object().unwrap().keys();
        let names: Vec<_> = names.map(String::as_str).collect();
        assert_eq!(names, ["client", "level", "message", "target", "timestamp"]);
    }
}

#[tokio::test]
async fn a_terminal_gets_colours() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = format!(
        "--storage memory: --upstream off --listen {}",
        taken.local_addr().unwrap()
    );
    let server = format!("{} {options}", env!("CARGO_BIN_EXE_tower-goproxy"));
    // It gives the server a terminal, and passes on what it says.
    let mut script = Command::new("script");
    script.args(["-qec", &server, "/dev/null"]).env_clear();
    script.env("PATH", std::env::var_os("PATH").unwrap());
    script.env("RUST_LOG", "a=b=c").stdin(Stdio::null());
    let output = within_minutes(script.output()).await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let line = said
        .lines()
        .find(|line| line.contains("RUST_LOG cannot be read"));
    assert!(line.is_some_and(|line| line.contains("\x1b[")), "{said:?}");
}
