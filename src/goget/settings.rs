//! How the go command is run.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::secrets::Secrets;

/// The settings of a [`GoGet`](super::GoGet). They do not change once it is made.
///
/// ```
/// use tower_goproxy::goget::Settings;
/// use tower_goproxy::GoGet;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let settings = Settings::new("/var/cache/goproxy")
///     .go("/usr/local/go/bin/go")
///     .private("*.corp.example");
/// let goget = GoGet::new(settings)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "settings do nothing before `GoGet::new`"]
pub struct Settings {
    pub(super) folder: PathBuf,
    pub(super) shared: bool,
    pub(super) go: PathBuf,
    /// Variables that only the settings change.
    pub(super) go_vars: BTreeMap<&'static str, String>,
    pub(super) env: Vec<(OsString, OsString)>,
    pub(super) time_limit: Duration,
    pub(super) max_wait: Duration,
    pub(super) runs: usize,
    pub(super) runs_per_host: Option<usize>,
    pub(super) runs_per_owner: Option<usize>,
    pub(super) max_kept_size: u64,
    pub(super) max_clones_size: u64,
    pub(super) max_clones_age: Duration,
    pub(super) secrets: Secrets,
}

/// Without `-modcacherw` the folders of extracted modules cannot be removed. The messages of git are read, so they are in
/// English.
const VARS: &str = "GOPROXY=direct GOSUMDB=off GOTOOLCHAIN=local GOPRIVATE= GONOPROXY= GONOSUMDB= GOINSECURE= \
    GOAUTH=netrc GOFLAGS=-modcacherw GO111MODULE=on GOWORK=off GOENV=off GIT_TERMINAL_PROMPT=0 GCM_INTERACTIVE=never \
    GIT_CONFIG_NOSYSTEM=1 LC_ALL=C";

/// Names and values of variables.
pub(super) fn pairs(vars: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    vars.split(' ').filter_map(|var| var.split_once('='))
}

/// From the current folder: commands run in another one, and the process may change its own.
pub(super) fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

impl Settings {
    /// Settings for a service that keeps clones of repositories, and all else that the go command writes, below `folder`.
    ///
    /// The folder is made when it is first needed, readable by this user only; one that exists stays as it is. Several
    /// processes may share one. It must not be inside a Go module.
    pub fn new(folder: impl AsRef<Path>) -> Self {
        Self {
            folder: absolute(folder.as_ref().into()),
            shared: false,
            go: "go".into(),
            go_vars: pairs(VARS)
                .map(|(name, value)| (name, value.into()))
                .collect(),
            env: Vec::new(),
            time_limit: Duration::from_secs(4 * 60),
            max_wait: Duration::from_secs(30),
            runs: 8,
            runs_per_host: None,
            runs_per_owner: None,
            max_kept_size: 1 << 30,
            max_clones_size: 10 << 30,
            max_clones_age: Duration::from_secs(30 * 24 * 60 * 60),
            secrets: Secrets::default(),
        }
    }

    fn go_var(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.go_vars.insert(name, value.into());
        self
    }

    pub(super) fn private_patterns(&self) -> &str {
        &self.go_vars["GOPRIVATE"]
    }

    /// The go command. Default: `go`, looked up in the `PATH`.
    pub fn go(mut self, program: impl Into<PathBuf>) -> Self {
        let program: PathBuf = program.into();
        let in_path = program.components().count() == 1;
        self.go = if in_path { program } else { absolute(program) };
        self
    }

    /// `GOPROXY` of the commands. Default: `direct`, which is version control alone.
    ///
    /// It must not lead to this server.
    pub fn proxy(self, list: impl Into<String>) -> Self {
        self.go_var("GOPROXY", list)
    }

    /// `GOPRIVATE`: patterns of path prefixes, separated by commas. Default: none.
    ///
    /// Private modules are not requested from a [proxy](Self::proxy) or a [checksum database](Self::sumdb). They use all
    /// credentials of the service, wherever their repositories are; other modules use only those for the host with which
    /// the path begins.
    pub fn private(self, patterns: impl Into<String>) -> Self {
        let patterns = patterns.into();
        ["GOPRIVATE", "GONOPROXY", "GONOSUMDB"]
            .into_iter()
            .fold(self, |this, name| this.go_var(name, &*patterns))
    }

    /// `GOVCS`: which version control systems may be used for which modules. Default: that of the go command, which is
    /// git and hg for public modules and all for [private](Self::private) ones.
    pub fn vcs(self, rules: impl Into<String>) -> Self {
        self.go_var("GOVCS", rules)
    }

    /// `GOINSECURE`: modules that may be fetched over HTTP, or from hosts with invalid certificates. Default: none.
    pub fn insecure(self, patterns: impl Into<String>) -> Self {
        self.go_var("GOINSECURE", patterns)
    }

    /// `GOSUMDB`: the checksum database. Default: `off`, since clients ask it themselves and it has no private modules.
    pub fn sumdb(self, database: impl Into<String>) -> Self {
        self.go_var("GOSUMDB", database)
    }

    /// `GOTOOLCHAIN`, such as `auto`: whether the go command may download a newer one for a module that requires it.
    /// Default: `local`. Modules in git repositories do not need it.
    ///
    /// The download is not kept: each run that needs it repeats it. It needs a [checksum database](Self::sumdb).
    pub fn toolchain(self, toolchain: impl Into<String>) -> Self {
        self.go_var("GOTOOLCHAIN", toolchain)
    }

    /// A variable for the commands, for example of a version control system.
    ///
    /// From the server's own environment, commands get `PATH` and the variables of HTTP proxies and of certificates only.
    /// All runs get the variable, whatever their module and owner, so it must not be a secret.
    /// [`GoGet::new`](super::GoGet::new) refuses variables of git, of ssh and of go (except `GODEBUG`), for which there are
    /// other settings, and those that each run sets.
    ///
    /// ```
    /// # use tower_goproxy::goget::Settings;
    /// # use tower_goproxy::GoGet;
    /// let settings = Settings::new("/var/cache/goproxy");
    /// assert!(GoGet::new(settings.clone().env("HGRCPATH", "/etc/goproxy/hgrc")).is_ok());
    /// assert!(GoGet::new(settings.env("GIT_ASKPASS", "/usr/bin/ask")).is_err());
    /// ```
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Shares clones and results between all owners. Default: each owner of an [`Access`](crate::Access) has their own,
    /// and so have requests without one.
    ///
    /// Commands still run with the credentials of the owner. What they fetch is then for everyone for about a minute.
    pub fn shared(mut self) -> Self {
        self.shared = true;
        self
    }

    /// The time limit for one command. Default: 4 minutes, which together with [`max_wait`](Self::max_wait) is less than
    /// a `FillLayer` waits for its source.
    ///
    /// A response can take longer: a list without tags needs two commands, and a broken clone twice as many.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// The most runs at once. Default: 8. With 0, all responses are 503.
    pub fn max_runs(mut self, runs: usize) -> Self {
        self.runs = runs;
        self
    }

    /// The most runs at once for modules whose paths begin with the same host. Default: three quarters of all runs, so
    /// that a host that does not respond leaves some to others.
    pub fn max_runs_per_host(mut self, runs: usize) -> Self {
        self.runs_per_host = Some(runs);
        self
    }

    /// The most runs at once for one owner of an [`Access`](crate::Access). Default: half of all runs.
    pub fn max_runs_per_owner(mut self, runs: usize) -> Self {
        self.runs_per_owner = Some(runs);
        self
    }

    /// How long a request waits for a free run slot before it gets 503 with `Retry-After`. Default: 30 seconds.
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// The most bytes of zips that stay available for a minute after their run. Default: 1 GiB. Each counts as 4 MiB at
    /// least, since it is an open file.
    ///
    /// Requests that wait for a run get its zip, whatever its size.
    pub fn max_kept_size(mut self, bytes: u64) -> Self {
        self.max_kept_size = bytes;
        self
    }

    /// The most bytes on disk of all clones together. Default: 10 GiB.
    ///
    /// Beyond it, those that were not used for longest are removed. Clones that were used in the last ten minutes stay.
    pub fn max_clones_size(mut self, bytes: u64) -> Self {
        self.max_clones_size = bytes;
        self
    }

    /// How long a clone stays without being used. Default: 30 days.
    pub fn max_clones_age(mut self, age: Duration) -> Self {
        self.max_clones_age = age;
        self
    }
}

/// Whether [`Settings::env`] cannot set this variable: a run sets it, or it can lead every run to a secret.
pub(super) fn is_refused(name: &OsStr) -> bool {
    const NAMES: &str = " HOME TMPDIR NETRC LC_ALL XDG_CONFIG_HOME GCM_INTERACTIVE ";
    let name = name.to_string_lossy();
    let begins = |prefix| name.starts_with(prefix) && name != "GODEBUG";
    ["GO", "GIT_", "SSH_"].into_iter().any(begins) || NAMES.contains(&format!(" {name} "))
}

/// Leaves out credentials, and what could hold them.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("folder", &self.folder)
            .field("shared", &self.shared)
            .field("go", &self.go)
            .field("private", &self.private_patterns())
            .field("time_limit", &self.time_limit)
            .field("max_wait", &self.max_wait)
            .field("runs", &self.runs)
            .finish_non_exhaustive()
    }
}
