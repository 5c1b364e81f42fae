//! The environment of the commands: built from nothing, so that the files and variables of whoever
//! runs the server have no say (<https://go.dev/ref/mod#environment-variables>).

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::config::Config;
use super::git::git_config;
use super::home::Home;
use super::{netrc, ssh};

/// What goes through as it is: how to find programs, and how this machine reaches the network.
const KEPT: [&str; 12] = [
    "PATH",
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
];

/// The whole environment. `modules` is the folder of the module cache.
pub(super) fn environment(
    config: &Config,
    modules: &Path,
    home: &Home,
) -> Vec<(OsString, OsString)> {
    let mut vars: Vec<(OsString, OsString)> = KEPT
        .iter()
        .filter_map(|name| Some(((*name).into(), env::var_os(name)?)))
        .collect();
    vars.extend(config.env.iter().cloned());
    // What follows wins over what came before.
    let mut set = |name: &str, value: &OsStr| vars.push((name.into(), value.into()));
    set("HOME", home.path().as_os_str());
    set("TMPDIR", home.temporary().as_os_str());
    set("GOPATH", modules.join("gopath").as_os_str());
    set("GOMODCACHE", modules.join("mod").as_os_str());
    set("GOCACHE", modules.join("build").as_os_str());
    set("NETRC", home.path().join(NETRC).as_os_str());
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
        ("GIT_SSH_COMMAND", &ssh::command(config, home.path())),
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
    let lines = git_config(config, home.path());
    set("GIT_CONFIG_COUNT", lines.len().to_string().as_ref());
    for (i, (key, value)) in lines.iter().enumerate() {
        set(&format!("GIT_CONFIG_KEY_{i}"), key.as_ref());
        set(&format!("GIT_CONFIG_VALUE_{i}"), value.as_ref());
    }
    vars
}

/// The name of the file that the go command reads, in the home folder. git would look for `.netrc`.
pub(super) const NETRC: &str = "netrc";

/// The text of the netrc file for the go command, where a host can have a port. The first entry of a host counts.
pub(super) fn go_netrc(config: &Config) -> String {
    let mut text = String::new();
    for one in config.logins() {
        text.push_str(&format!(
            "machine {} login {} password {}\n",
            one.host(),
            one.user(),
            one.password()
        ));
    }
    text.push_str(&netrc::of_hosts(&config.netrc, |_| true));
    text
}

/// Whether a program can be found by the `PATH` of these variables.
pub(super) fn has_program(vars: &[(OsString, OsString)], name: &str) -> bool {
    // Of several values of a variable the last counts.
    let path = vars
        .iter()
        .rev()
        .find(|(name, _)| name == OsStr::new("PATH"));
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    path.is_some_and(|(_, path)| env::split_paths(path).any(|dir| dir.join(&file).is_file()))
}

/// Whether the commands will find git.
pub(super) fn has_git(config: &Config) -> bool {
    let mut vars: Vec<_> = env::var_os("PATH")
        .map(|path| (OsString::from("PATH"), path))
        .into_iter()
        .collect();
    vars.extend(config.env.iter().cloned());
    has_program(&vars, "git")
}
