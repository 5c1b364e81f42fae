//! The options for modules that the rules leave to version control.

use std::path::{Path, PathBuf};

use clap::Args;
use tower_goproxy::GoGet;
use tower_goproxy::goget::Settings;
use tracing::warn;

use crate::BoxError;

/// How direct modules are had. Any of these options asks for them, so the proxy does not start if they cannot be had.
#[derive(Debug, Args)]
#[command(next_help_heading = "Direct modules")]
pub(crate) struct DirectArgs {
    /// The go command that has them from version control [default: `go` of the PATH, if there is one].
    #[arg(long, value_name = "PATH", requires = "filter")]
    go: Option<PathBuf>,
    /// Working directory for clones of repositories and for downloads [default: the name of the storage and `-go`].
    #[arg(long, value_name = "DIR", requires = "filter")]
    go_cache: Option<PathBuf>,
    /// Modules that no registry and no checksum database is asked for, and that all credentials are for, as for GOPRIVATE.
    #[arg(long, value_name = "PATTERNS", requires = "filter")]
    go_private: Option<String>,
    /// Credentials for hosts, those of the upstream included [default: none for repositories; for the upstream those
    /// of NETRC or ~/.netrc].
    #[arg(long, value_name = "FILE")]
    netrc: Option<PathBuf>,
    /// A file with git's configuration, in place of the one of the user who runs the proxy. Settings that hold or lead to
    /// a secret must name a host.
    #[arg(long, value_name = "FILE", requires = "filter")]
    git_config: Option<PathBuf>,
    /// The private key for ssh.
    #[arg(long, value_name = "FILE", requires_all = ["filter", "ssh_known_hosts"])]
    ssh_key: Option<PathBuf>,
    /// The keys of the hosts that ssh may connect to.
    #[arg(long, value_name = "FILE", requires = "filter")]
    ssh_known_hosts: Option<PathBuf>,
}

impl DirectArgs {
    pub(crate) fn netrc(&self) -> Option<&Path> {
        self.netrc.as_deref()
    }

    /// Nothing, if nobody has asked for direct modules and there is no go command.
    pub(crate) async fn goget(&self, storage: &str) -> Result<Option<GoGet>, BoxError> {
        let asked_for = self.is_asked_for();
        if !asked_for && !is_in_path("go") {
            warn!("there is no go command in the PATH: direct modules will not be found");
            return Ok(None);
        }
        let goget = self.configured(&self.cache(storage))?;
        match goget.check().await {
            Ok(()) => {}
            Err(error) if asked_for => {
                return Err(format!("direct modules cannot be had: {error}").into());
            }
            // Perhaps none is ever asked for; whoever asks is told.
            Err(error) => warn!("direct modules cannot be had: {error}"),
        }
        Ok(Some(goget))
    }

    fn is_asked_for(&self) -> bool {
        self.go.is_some()
            || self.go_cache.is_some()
            || self.go_private.is_some()
            || self.git_config.is_some()
            || self.ssh_known_hosts.is_some()
    }

    fn configured(&self, cache: &Path) -> Result<GoGet, BoxError> {
        let mut settings = Settings::new(cache);
        if let Some(go) = &self.go {
            settings = settings.go(go);
        }
        if let Some(patterns) = &self.go_private {
            settings = settings.private(patterns);
        }
        if let Some(file) = &self.netrc {
            let netrc = settings.netrc(file);
            settings = netrc.map_err(|error| format!("--netrc {}: {error}", file.display()))?;
        }
        if let Some(file) = &self.git_config {
            settings = settings.git_config_file(readable("--git-config", file)?);
        }
        if let Some(file) = &self.ssh_key {
            settings = settings.ssh_key(readable("--ssh-key", file)?);
        }
        if let Some(file) = &self.ssh_known_hosts {
            settings = settings.ssh_known_hosts(readable("--ssh-known-hosts", file)?);
        }
        Ok(GoGet::new(settings)?)
    }

    /// Beside the storage, so that it has the same disk. One in a cloud has none: then it is here.
    fn cache(&self, storage: &str) -> PathBuf {
        if let Some(folder) = &self.go_cache {
            return folder.clone();
        }
        let is_folder = storage != "memory:" && !storage.contains("://");
        let storage = Path::new(if is_folder { storage } else { "modules" });
        match storage.file_name() {
            Some(name) => {
                let mut name = name.to_owned();
                name.push("-go");
                storage.with_file_name(name)
            }
            None => storage.join("modules-go"),
        }
    }
}

/// What is read only when it is needed would fail only then.
fn readable<'a>(option: &str, file: &'a Path) -> Result<&'a Path, BoxError> {
    match std::fs::File::open(file) {
        Ok(_) => Ok(file),
        Err(error) => Err(format!("{option} {}: {error}", file.display()).into()),
    }
}

fn is_in_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}
