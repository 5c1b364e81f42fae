//! How the go command is run.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::config::absolute;
use super::service::GoGet;

impl GoGet {
    /// The go command. Default: `go`, which is looked for in the `PATH`.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").go("/usr/local/go/bin/go");
    /// ```
    #[must_use]
    pub fn go(self, program: impl Into<PathBuf>) -> Self {
        let program: PathBuf = program.into();
        let in_path = program.components().count() == 1;
        self.set(|config| config.go = if in_path { program } else { absolute(program) })
    }

    /// The `GOPROXY` of the commands. Default: `direct`, which is version control alone.
    ///
    /// It must not lead to this very server.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").proxy("https://goproxy.corp.example,direct");
    /// ```
    #[must_use]
    pub fn proxy(self, list: impl Into<String>) -> Self {
        self.set(|config| config.proxy = list.into())
    }

    /// `GOPRIVATE`: modules that no registry and no checksum database is asked for, and for which `GOVCS` has rules of
    /// their own. Patterns of path prefixes, with commas between them. Default: none.
    ///
    /// For private modules all credentials of the service are used, wherever their repositories are; for others only
    /// those for the host with which the path begins.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").private("*.corp.example,github.com/corp");
    /// ```
    #[must_use]
    pub fn private(self, patterns: impl Into<String>) -> Self {
        self.set(|config| config.private = patterns.into())
    }

    /// `GOVCS`: which version control systems may be used for which modules. Default: what the go command does by
    /// itself, which is git and hg for public modules and all for [private](Self::private) ones.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").vcs("*:git");
    /// ```
    #[must_use]
    pub fn vcs(self, rules: impl Into<String>) -> Self {
        self.set(|config| config.vcs = Some(rules.into()))
    }

    /// `GOINSECURE`: modules that may be had over http, or from hosts with bad certificates. Default: none.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").insecure("git.lab.corp.example");
    /// ```
    #[must_use]
    pub fn insecure(self, patterns: impl Into<String>) -> Self {
        self.set(|config| config.insecure = patterns.into())
    }

    /// `GOSUMDB`: the checksum database. Default: `off`, since clients look into it themselves and it knows no private
    /// modules.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").private("*.corp.example").sumdb("sum.golang.org");
    /// ```
    #[must_use]
    pub fn sumdb(self, database: impl Into<String>) -> Self {
        self.set(|config| config.sumdb = database.into())
    }

    /// A variable for the commands, for example of a proxy or of a version control system. The variables that other
    /// settings are for cannot be set so.
    ///
    /// Of the server's own environment the commands get `PATH`, `TMPDIR`, the variables of HTTP proxies and of
    /// certificates, and `SSH_AUTH_SOCK`.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").env("HGRCPATH", "/etc/goproxy/hgrc");
    /// ```
    #[must_use]
    pub fn env(self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.set(|config| config.env.push((name.into(), value.into())))
    }

    /// Whether requests for different owners share the module cache. Without this each [`Access`](crate::Access) has one
    /// of its own, and so has what comes without.
    ///
    /// Commands still run with the credentials of the owner. Yet what they bring is then for everyone: whoever comes
    /// later is not asked for credentials.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").shared();
    /// ```
    #[must_use]
    pub fn shared(self) -> Self {
        self.set(|config| config.shared = true)
    }

    /// How long one command may take. Default: 4 minutes, which together with the default of
    /// [`max_wait`](Self::max_wait) is less than a [`FillLayer`](crate::fill::FillLayer) waits for its source.
    ///
    /// An answer can take longer: a list without tags needs two commands, so does a broken copy of a repository, the first
    /// job of all waits for `go version`, for a minute at most, and each may wait for a clean-up as long as for a place.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").time_limit(Duration::from_secs(20 * 60));
    /// ```
    #[must_use]
    pub fn time_limit(self, limit: Duration) -> Self {
        self.set(|config| config.time_limit = limit)
    }

    /// How many commands may run at once. Default: 8.
    ///
    /// What is in the module cache already needs no command. With 0 there is nothing else: all other answers are 503.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").max_runs(2);
    /// ```
    #[must_use]
    pub fn max_runs(self, runs: usize) -> Self {
        let places = Semaphore::new(runs.min(Semaphore::MAX_PERMITS));
        self.with_semaphore(Arc::new(places))
    }

    /// Takes the places for commands from this semaphore, to share them with other work.
    ///
    /// A [`FillLayer`](crate::fill::FillLayer) has places of its own, and a miss holds one while it waits for its source.
    /// To bound downloads from registries and from version control together, give clones of *one* layer to both sources.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use tokio::sync::Semaphore;
    /// # use tower_goproxy::GoGet;
    /// let places = Arc::new(Semaphore::new(4));
    /// let ours = GoGet::new("/var/cache/goproxy/ours").with_semaphore(Arc::clone(&places));
    /// let theirs = GoGet::new("/var/cache/goproxy/theirs").with_semaphore(places);
    /// ```
    #[must_use]
    pub fn with_semaphore(self, places: Arc<Semaphore>) -> Self {
        self.set(|config| config.places = places)
    }

    /// How long a request may wait for a place, and then for a clean-up; after that it gets 503 with `Retry-After`.
    /// Default: 30 seconds.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").max_wait(Duration::from_secs(5));
    /// ```
    #[must_use]
    pub fn max_wait(self, wait: Duration) -> Self {
        self.set(|config| config.max_wait = wait)
    }

    /// How large the module cache may grow, in bytes: the clones of repositories, and each version with its extracted
    /// files. Default: 10 GiB.
    ///
    /// What was used in the last ten minutes is not removed, so for a while there may be more.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").max_cache_size(1 << 30);
    /// ```
    #[must_use]
    pub fn max_cache_size(self, bytes: u64) -> Self {
        self.set(|config| config.bounds.bytes = bytes)
    }

    /// For how long something stays in the module cache without being used. Default: 30 days.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").max_cache_age(Duration::from_secs(24 * 60 * 60));
    /// ```
    #[must_use]
    pub fn max_cache_age(self, age: Duration) -> Self {
        self.set(|config| config.bounds.age = age)
    }
}
