//! How the go command is run.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::clean::Bounds;
use crate::access::credentials::Credentials;
use crate::access::logins::Logins;

/// How many commands run at once, unless told otherwise.
const PLACES: usize = 8;

#[derive(Clone)]
pub(super) struct Config {
    /// The folder that the user has given.
    pub(super) cache: PathBuf,
    /// Whether requests for different owners share the module cache.
    pub(super) shared: bool,
    pub(super) go: PathBuf,
    pub(super) proxy: String,
    pub(super) private: String,
    pub(super) vcs: Option<String>,
    pub(super) insecure: String,
    pub(super) sumdb: String,
    pub(super) netrc: String,
    pub(super) credentials: Logins,
    /// Those of the owner for whom commands run. They stand in for all that is set for their hosts.
    pub(super) owners: Logins,
    pub(super) git_config: Vec<(String, String)>,
    pub(super) git_config_file: Option<PathBuf>,
    pub(super) ssh_key: Option<PathBuf>,
    pub(super) ssh_agent: Option<PathBuf>,
    /// The hosts for which ssh has a key, or all.
    pub(super) ssh_hosts: Option<Vec<String>>,
    pub(super) ssh_known_hosts: Option<PathBuf>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) time_limit: Duration,
    pub(super) max_wait: Duration,
    pub(super) places: Arc<Semaphore>,
    pub(super) bounds: Bounds,
}

/// From where we are now: the commands are elsewhere, and the process may change its directory.
pub(super) fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

impl Config {
    pub(super) fn new(cache: &Path) -> Self {
        Self {
            cache: absolute(cache.into()),
            shared: false,
            go: "go".into(),
            proxy: "direct".into(),
            private: String::new(),
            vcs: None,
            insecure: String::new(),
            sumdb: "off".into(),
            netrc: String::new(),
            credentials: Logins::default(),
            owners: Logins::default(),
            git_config: Vec::new(),
            git_config_file: None,
            ssh_key: None,
            ssh_agent: None,
            ssh_hosts: None,
            ssh_known_hosts: None,
            env: Vec::new(),
            time_limit: Duration::from_secs(4 * 60),
            max_wait: Duration::from_secs(30),
            places: Arc::new(Semaphore::new(PLACES)),
            bounds: Bounds {
                bytes: 10 << 30,
                age: Duration::from_secs(30 * 24 * 60 * 60),
            },
        }
    }
}

impl Config {
    /// All credentials that are sent to a host, apart from those of a netrc file.
    pub(super) fn logins(&self) -> impl Iterator<Item = &Credentials> {
        self.owners.iter().chain(self.credentials.iter())
    }

    /// Whether there are credentials for this host, at whatever port: a netrc file has none.
    pub(super) fn has_login_for(&self, host: &str) -> bool {
        self.logins().any(|one| same_name(one.host(), host))
    }

    /// Whether there are credentials for the host for which git asks, as in `Username for 'https://host:8443'`.
    pub(super) fn knows_host_in(&self, message: &str) -> bool {
        let words = || self.netrc.split_whitespace();
        let in_netrc = words()
            .zip(words().skip(1))
            .filter(|(word, _)| *word == "machine")
            .map(|(_, host)| host);
        let ours = self.logins().map(Credentials::host);
        ours.chain(in_netrc).any(|host| {
            // git names the port too, which a netrc file has not.
            ["'", ":"]
                .iter()
                .any(|end| message.contains(&format!("for 'https://{host}{end}")))
        })
    }
}

/// Whether two hosts differ in their ports at most: a netrc file has none.
pub(super) fn same_name(one: &str, other: &str) -> bool {
    without_port(one).eq_ignore_ascii_case(without_port(other))
}

pub(super) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // The colons of an IPv6 address are inside of brackets.
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

/// Leaves out credentials, and what could hold them.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.logins().map(Credentials::host).collect();
        let git: Vec<_> = self
            .git_config
            .iter()
            .map(|(key, _)| redacted(key))
            .collect();
        let env: Vec<_> = self.env.iter().map(|(name, _)| name).collect();
        f.debug_struct("Config")
            .field("cache", &self.cache)
            .field("shared", &self.shared)
            .field("go", &self.go)
            .field("private", &self.private)
            .field("vcs", &self.vcs)
            .field("insecure", &self.insecure)
            .field("netrc", &!self.netrc.is_empty())
            .field("credentials", &hosts)
            .field("git_config", &git)
            .field("ssh_key", &self.ssh_key)
            .field("env", &env)
            .field("bounds", &self.bounds)
            .field("time_limit", &self.time_limit)
            .field("max_wait", &self.max_wait)
            .field("places", &self.places.available_permits())
            .finish_non_exhaustive()
    }
}

/// A key of git's configuration can hold a URL with a password.
fn redacted(key: &str) -> &str {
    if key.contains('@') {
        "(has a user)"
    } else {
        key
    }
}
