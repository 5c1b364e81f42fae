//! A git host over ssh.
//!
//! Needs `TOWER_GOPROXY_SSHD=$(scripts/ssh.sh)`, which `scripts/test.sh` sets.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use tower_goproxy::goget::Settings;

use crate::errors::assert_error;
use crate::setup::Setup;
use crate::support::go::program;
use crate::support::{SshHost, get};

const MODULE: &str = "github.com/team/hello";

/// A host with one module, and a service that has it from there.
async fn over_ssh(
    key: fn(&SshHost) -> PathBuf,
    hosts: fn(&SshHost) -> PathBuf,
) -> (SshHost, Setup) {
    let setup = Setup::new();
    setup.repos.module("team/hello", MODULE).tag("v1.0.0");
    let host = SshHost::start(setup.repos.root()).await;
    let (base, instead_of) = host.instead_of("github.com");
    let goget = Settings::new(setup.folder.path())
        .go(program())
        .git_config(base, instead_of)
        .ssh_key(key(&host))
        .ssh_known_hosts(hosts(&host));
    (host, setup.with(|_| goget))
}

#[tokio::test]
async fn the_right_key_opens_a_repository_of_a_known_host() {
    let (host, setup) = over_ssh(SshHost::key, SshHost::known_hosts).await;
    assert_eq!(setup.text(&format!("/{MODULE}/@v/list")).await, "v1.0.0\n");
    let info = setup.json(&format!("/{MODULE}/@v/v1.0.0.info")).await;
    assert_eq!(info["Version"], "v1.0.0");
    let go_mod = setup.text(&format!("/{MODULE}/@v/v1.0.0.mod")).await;
    assert_eq!(go_mod, format!("module {MODULE}\n\ngo 1.20\n"));
    let through = setup.sums_through(MODULE, "v1.0.0").await;
    assert_eq!(through, setup.sums_alone(MODULE, "v1.0.0").await);

    let processes = host.processes();
    assert!(processes.contains("ssh -o BatchMode=yes"), "{processes}");
    for secret in host.secrets() {
        assert!(!processes.contains(&secret), "{processes}");
    }
}

/// What a client is told, what is in the log, and what is not.
async fn assert_refused(
    host: &SshHost,
    setup: &Setup,
    status: u16,
    texts: [&str; 2],
    logged: &str,
) {
    for path in ["list", "v1.0.0.info", "v1.0.0.zip"] {
        let path = format!("/{MODULE}/@v/{path}");
        let answer = setup.get(&path).await;
        for text in texts {
            assert_error(&answer, status, text);
        }
        let error = setup.goget.try_call(&get(&path)).await.unwrap_err();
        assert!(error.to_string().contains(logged), "{error}");
        for secret in host.secrets() {
            for text in [
                error.to_string(),
                format!("{error:?}"),
                format!("{:?}", setup.goget),
                answer.text(),
            ] {
                assert!(!text.contains(&secret), "{text}");
            }
        }
    }
    assert_eq!(host.processes(), "", "a repository was served");
}

#[tokio::test]
async fn a_wrong_key_is_a_bad_gateway_that_says_who_refuses_whom() {
    let (host, setup) = over_ssh(SshHost::other_key, SshHost::known_hosts).await;
    // The address is for the log alone.
    let texts = [
        "the host of the repository refuses access",
        "…: Permission denied (publickey).",
    ];
    let logged = "@127.0.0.1: Permission denied (publickey).";
    assert_refused(&host, &setup, 502, texts, logged).await;
}

#[tokio::test]
async fn a_host_that_is_not_known_is_a_bad_gateway_and_the_log_says_what_to_do() {
    for (hosts, logged) in [
        (
            SshHost::no_hosts as fn(&SshHost) -> PathBuf,
            "No ED25519 host key is known for [127.0.0.1]",
        ),
        (SshHost::wrong_hosts, "Add correct host key in /"),
    ] {
        let (host, setup) = over_ssh(SshHost::key, hosts).await;
        let texts = [
            "the server does not know the host by this key",
            "Host key verification failed.",
        ];
        assert_refused(&host, &setup, 502, texts, logged).await;
    }
}

#[tokio::test]
async fn a_key_that_is_missing_or_open_to_others_is_trouble_of_the_set_up() {
    let (host, setup) = over_ssh(|_| "/nonexistent/id".into(), SshHost::known_hosts).await;
    let texts = ["the server is not set up", "Identity file … not accessible"];
    let logged = "Identity file /nonexistent/id not accessible: No such file";
    assert_refused(&host, &setup, 500, texts, logged).await;

    let (host, setup) = over_ssh(SshHost::key, SshHost::known_hosts).await;
    fs::set_permissions(host.key(), fs::Permissions::from_mode(0o644)).unwrap();
    let text = "private key files are NOT accessible by others";
    let texts = ["the server is not set up", text];
    assert_refused(&host, &setup, 500, texts, "are too open").await;
}

#[tokio::test]
async fn a_repository_that_is_not_there_is_not_found() {
    let (_host, setup) = over_ssh(SshHost::key, SshHost::known_hosts).await;
    let answer = setup.get("/github.com/team/none/@v/v1.0.0.zip").await;
    assert_error(&answer, 404, "does not appear to be a git repository");
}

#[tokio::test]
async fn a_host_that_is_down_is_a_bad_gateway() {
    let (host, setup) = over_ssh(SshHost::key, SshHost::known_hosts).await;
    host.shutdown().await;
    let answer = setup.get(&format!("/{MODULE}/@v/v1.0.0.zip")).await;
    assert_error(&answer, 502, "the host of the repository cannot be reached");
}
