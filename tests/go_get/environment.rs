//! What the commands get to see of the server.

use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;
use tower_goproxy::GoGet;
use tower_goproxy::goget::Settings;

use crate::setup::script;

/// The environment that a go command finds.
async fn seen(change: impl FnOnce(Settings) -> Settings) -> (TempDir, BTreeMap<String, String>) {
    let folder = TempDir::new().unwrap();
    let log = folder.path().join("env");
    let text = format!(
        "env > '{}'; pwd >> '{}'; echo go version go1.99 a/b",
        log.display(),
        log.display()
    );
    let go = script(folder.path(), "go", &text);
    let settings = change(Settings::new(folder.path().join("cache")).go(go));
    let goget = GoGet::new(settings).unwrap();
    goget.check().await.unwrap();
    let text = fs::read_to_string(log).unwrap();
    let all = text.lines().filter_map(|line| line.split_once('='));
    let all = all
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    (folder, all)
}

#[tokio::test]
async fn nothing_of_the_servers_own_but_what_is_needed() {
    // cargo has set many.
    assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO_")));
    let (folder, seen) = seen(|goget| goget).await;
    for name in seen.keys() {
        assert!(
            !name.starts_with("CARGO") && !name.starts_with("TOWER_"),
            "{name}"
        );
    }
    for (name, value) in [
        ("GOPROXY", "direct"),
        ("GOSUMDB", "off"),
        ("GOFLAGS", "-modcacherw"),
        ("GO111MODULE", "on"),
        ("GOWORK", "off"),
        ("GOENV", "off"),
        ("GOTOOLCHAIN", "local"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GOAUTH", "netrc"),
        ("LC_ALL", "C"),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
    for name in [
        "HOME",
        "TMPDIR",
        "NETRC",
        "GOPATH",
        "GOMODCACHE",
        "GOCACHE",
        "GIT_CONFIG_GLOBAL",
    ] {
        assert!(
            seen[name].starts_with(folder.path().to_str().unwrap()),
            "{name}"
        );
    }
    assert!(!seen.contains_key("GOVCS"));
    let ssh = &seen["GIT_SSH_COMMAND"];
    let config = format!(
        "ssh -o BatchMode=yes -o ConnectTimeout=10 -F '{}/",
        folder.path().display()
    );
    assert!(ssh.starts_with(&config), "{ssh}");
    assert!(
        ssh.ends_with(
            "/ssh_config' -o IdentityAgent=none -o IdentitiesOnly=yes -o IdentityFile=none \
             -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=none -o UserKnownHostsFile=none"
        ),
        "{ssh}"
    );
}

#[tokio::test]
async fn settings_are_variables_and_those_win() {
    let (_folder, seen) = seen(|goget| {
        goget
            .proxy("https://goproxy.corp.example,direct")
            .private("*.corp.example")
            .vcs("*:git")
            .insecure("lab.corp.example")
            .sumdb("sum.corp.example")
            .ssh_key("/etc/go proxy/id")
            .ssh_known_hosts("/etc/goproxy/known_hosts")
            .env("HGRCPATH", "/etc/goproxy/hgrc")
            .toolchain("auto")
    })
    .await;
    for (name, value) in [
        ("GOPROXY", "https://goproxy.corp.example,direct"),
        ("GOPRIVATE", "*.corp.example"),
        ("GONOSUMDB", "*.corp.example"),
        ("GOVCS", "*:git"),
        ("GOINSECURE", "lab.corp.example"),
        ("GOSUMDB", "sum.corp.example"),
        ("GOTOOLCHAIN", "auto"),
        ("HGRCPATH", "/etc/goproxy/hgrc"),
        ("GOENV", "off"),
        ("GOFLAGS", "-modcacherw"),
    ] {
        assert_eq!(seen[name], value, "{name}");
    }
    let ssh = &seen["GIT_SSH_COMMAND"];
    for text in [
        "-i '/etc/go proxy/id'",
        "-o 'UserKnownHostsFile=\"/etc/goproxy/known_hosts\"'",
    ] {
        assert!(ssh.contains(text), "{ssh}");
    }
}

#[tokio::test]
async fn files_are_those_of_the_servers_folder_though_the_commands_run_in_another() {
    let (_folder, seen) =
        seen(|goget| goget.ssh_key("keys/id").ssh_known_hosts("known_hosts")).await;
    let here = std::env::current_dir().unwrap();
    let file = |name: &str| here.join(name).display().to_string();
    let ssh = &seen["GIT_SSH_COMMAND"];
    assert!(ssh.contains(&format!("-i '{}'", file("keys/id"))), "{ssh}");
    assert!(
        ssh.contains(&format!("\"{}\"", file("known_hosts"))),
        "{ssh}"
    );

    let folder = TempDir::new().unwrap();
    let settings = Settings::new(folder.path()).go("bin/go");
    let error = GoGet::new(settings).unwrap().check().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{}: no such go command", file("bin/go"))
    );
}
