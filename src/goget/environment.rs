//! The environment of the commands: built from nothing, so that the files and variables of whoever
//! runs the server have no say (<https://go.dev/ref/mod#environment-variables>).

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::config::Config;
use crate::access::credentials::Credentials;

/// What goes through as it is: how to find programs, and how this machine reaches the network.
const KEPT: [&str; 14] = [
    "PATH",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "SYSTEMROOT",
    "SSH_AUTH_SOCK",
];

/// The whole environment. `home` is a private folder, `modules` the one of the module cache.
pub(super) fn environment(
    config: &Config,
    modules: &Path,
    home: &Path,
) -> Vec<(OsString, OsString)> {
    let mut vars: Vec<(OsString, OsString)> = KEPT
        .iter()
        .filter_map(|name| Some(((*name).into(), env::var_os(name)?)))
        .collect();
    vars.extend(config.env.iter().cloned());
    // What follows wins over what came before.
    let mut set = |name: &str, value: &OsStr| vars.push((name.into(), value.into()));
    set("HOME", home.as_os_str());
    set("GOPATH", modules.join("gopath").as_os_str());
    set("GOMODCACHE", modules.join("mod").as_os_str());
    set("GOCACHE", modules.join("build").as_os_str());
    set("NETRC", home.join(NETRC).as_os_str());
    for (name, value) in [
        ("GOPROXY", config.proxy.as_str()),
        ("GOPRIVATE", &config.private),
        ("GONOPROXY", &config.private),
        ("GONOSUMDB", &config.private),
        ("GOINSECURE", &config.insecure),
        ("GOSUMDB", &config.sumdb),
        // Else the folders of extracted modules cannot be removed.
        ("GOFLAGS", "-modcacherw"),
        ("GO111MODULE", "on"),
        ("GOWORK", "off"),
        ("GOENV", "off"),
        // Else go downloads another go.
        ("GOTOOLCHAIN", "local"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GCM_INTERACTIVE", "never"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_SSH_COMMAND", &ssh(config)),
        // The messages of git are read.
        ("LC_ALL", "C"),
    ] {
        set(name, value.as_ref());
    }
    if let Some(vcs) = &config.vcs {
        set("GOVCS", vcs.as_ref());
    }
    let file = config.git_config_file.as_deref();
    set(
        "GIT_CONFIG_GLOBAL",
        file.unwrap_or(Path::new("/dev/null")).as_os_str(),
    );
    let lines = git_config(config);
    set("GIT_CONFIG_COUNT", lines.len().to_string().as_ref());
    for (i, (key, value)) in lines.iter().enumerate() {
        set(&format!("GIT_CONFIG_KEY_{i}"), key.as_ref());
        set(&format!("GIT_CONFIG_VALUE_{i}"), value.as_ref());
    }
    vars
}

/// The name of the netrc file in the home folder, where git looks for it too.
pub(super) const NETRC: &str = ".netrc";

/// The text of the netrc file, which go reads. The first entry of a host counts.
pub(super) fn netrc(config: &Config) -> String {
    let mut text = String::new();
    for one in config.logins() {
        text.push_str(&format!(
            "machine {} login {} password {}\n",
            one.host(),
            one.user(),
            one.password()
        ));
    }
    text.push_str(&config.netrc);
    text
}

/// The lines of git's configuration. Variables carry them, so that they are in no list of processes.
fn git_config(config: &Config) -> Vec<(String, String)> {
    // A clean-up in the background would outlive the command.
    let mut lines = vec![
        ("gc.autoDetach".to_owned(), "false".to_owned()),
        ("maintenance.autoDetach".to_owned(), "false".to_owned()),
        // A fetch that is killed leaves nothing: a pack is there once it is whole. Single objects would stay, a commit
        // without its files among them, which then would never be fetched again.
        ("fetch.unpackLimit".to_owned(), "1".to_owned()),
    ];
    lines.extend(config.credentials.iter().map(header));
    lines.extend(config.git_config.iter().cloned());
    for one in config.owners.iter() {
        // An empty value forgets all that was set before: git sends one header, and asks no helper, which it would also
        // tell to forget a password that was refused.
        let host = one.host();
        lines.push((format!("credential.https://{host}.helper"), String::new()));
        lines.push((format!("http.https://{host}/.extraHeader"), String::new()));
        lines.push(header(one));
    }
    lines
}

fn header(one: &Credentials) -> (String, String) {
    (
        format!("http.https://{}/.extraHeader", one.host()),
        format!("Authorization: Basic {}", basic(one)),
    )
}

/// User and password as a header has them (RFC 7617).
pub(super) fn basic(one: &Credentials) -> String {
    BASE64_STANDARD.encode(format!("{}:{}", one.user(), one.password()))
}

/// ssh never asks anybody, and does not wait for long.
fn ssh(config: &Config) -> String {
    let mut command = "ssh -o BatchMode=yes -o ConnectTimeout=10".to_owned();
    // The go command falls back to ssh where https is refused, and the key is not the owner's.
    if config.owners.iter().next().is_some() {
        command.push_str(" -o PreferredAuthentications=none");
    }
    if config.ssh_key.is_some() || config.ssh_known_hosts.is_some() {
        // ssh looks for its configuration in the home of the user, whatever HOME is. It could add keys.
        command.push_str(" -F none");
    }
    if let Some(key) = &config.ssh_key {
        command.push_str(" -o IdentitiesOnly=yes -i ");
        command.push_str(&quoted(&key.to_string_lossy()));
    }
    if let Some(hosts) = &config.ssh_known_hosts {
        // Once for the shell that git runs, once for ssh, which splits the value at blanks.
        let option = format!("UserKnownHostsFile=\"{}\"", hosts.to_string_lossy());
        command.push_str(" -o StrictHostKeyChecking=yes -o GlobalKnownHostsFile=/dev/null -o ");
        command.push_str(&quoted(&option));
    }
    command
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_path_is_one_word_for_the_shell() {
        assert_eq!(quoted("/a b/c'd"), r"'/a b/c'\''d'");
    }
}
