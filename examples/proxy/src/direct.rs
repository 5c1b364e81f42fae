//! The options for modules that the rules leave to version control.

use std::path::{Path, PathBuf};

use clap::Args;
use sha2::{Digest as _, Sha256};
use tower_goproxy::GoGet;
use tower_goproxy::goget::Settings;
use tracing::warn;

use crate::BoxError;
use crate::config::DirectEntry;
use crate::roots::Roots;

/// How direct modules are fetched. If one of these options is set, the server does not start unless they can be.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Direct modules")]
pub(crate) struct DirectArgs {
    /// Go command that fetches direct modules [default: `go` of the PATH, if there is one].
    #[arg(long, value_name = "PATH")]
    go: Option<PathBuf>,
    /// Working directory for clones and downloads [default: the name of the storage, followed by `-go`].
    #[arg(long, value_name = "DIR")]
    go_cache: Option<PathBuf>,
    /// Private modules, as for GOPRIVATE: never looked up in a registry or a checksum database, and all credentials are for
    /// them.
    #[arg(long, value_name = "PATTERNS")]
    go_private: Option<String>,
    /// netrc file with credentials for hosts, including the upstream [default: none for repositories; for the upstream, the
    /// file in NETRC or ~/.netrc].
    #[arg(long, value_name = "FILE")]
    netrc: Option<PathBuf>,
    /// Git configuration file, in place of that of the user who runs the server. Settings that hold or lead to a secret
    /// must name a host.
    #[arg(long, value_name = "FILE")]
    git_config: Option<PathBuf>,
    /// Private key for ssh. Requires --ssh-known-hosts.
    #[arg(long, value_name = "FILE")]
    ssh_key: Option<PathBuf>,
    /// known_hosts file with the keys of the hosts that ssh may connect to.
    #[arg(long, value_name = "FILE")]
    ssh_known_hosts: Option<PathBuf>,
}

/// Where direct modules come from.
#[derive(Debug)]
pub(crate) enum Direct {
    /// No module can be direct.
    Unwanted,
    /// There is no go command or no git.
    Missing(String),
    Ready(GoGet),
}

impl Direct {
    pub(crate) fn goget(&self) -> Option<&GoGet> {
        match self {
            Self::Ready(goget) => Some(goget),
            Self::Unwanted | Self::Missing(_) => None,
        }
    }
}

impl DirectArgs {
    /// Patterns of private modules.
    pub(crate) fn private(&self) -> &str {
        self.go_private.as_deref().unwrap_or_default()
    }

    pub(crate) fn netrc(&self) -> Option<&Path> {
        self.netrc.as_deref()
    }

    /// # Errors
    ///
    /// One of the options is set, or there are entries, and direct modules cannot be fetched.
    pub(crate) async fn source(
        &self,
        storage: &str,
        roots: &Roots,
        has_entries: bool,
    ) -> Result<Direct, BoxError> {
        let asked_for = has_entries || self.is_asked_for();
        if !asked_for && !is_in_path("go") {
            let reason =
                "this server has no go command, which fetches modules from version control";
            warn!("{reason}");
            return Ok(Direct::Missing(reason.to_owned()));
        }
        let goget = self.configured(&self.cache(storage), roots, None)?;
        match goget.check().await {
            Ok(()) => Ok(Direct::Ready(goget)),
            Err(error) if asked_for => {
                Err(format!("direct modules cannot be fetched: {error}").into())
            }
            Err(error) => {
                let error = error.to_string();
                warn!("direct modules cannot be fetched: {error}");
                // Clients are not told where the files of this server are.
                let shown = if error.contains('/') {
                    "see its log"
                } else {
                    &error
                };
                let reason = "this server cannot fetch modules from version control";
                Ok(Direct::Missing(format!("{reason}: {shown}")))
            }
        }
    }

    /// One with its own credentials, for some modules.
    pub(crate) fn entry(
        &self,
        entry: &DirectEntry,
        storage: &str,
        roots: &Roots,
    ) -> Result<GoGet, BoxError> {
        let args = Self {
            go: self.go.clone(),
            go_cache: self.go_cache.clone(),
            go_private: entry.go_private.clone(),
            netrc: entry.netrc.clone(),
            git_config: entry.git_config.clone(),
            ssh_key: entry.ssh_key.clone(),
            ssh_known_hosts: entry.ssh_known_hosts.clone(),
        };
        // Clones are not shared with others, who may have other credentials.
        let name = folder_name(&entry.modules);
        args.configured(&self.cache(storage), roots, Some(&name))
    }

    pub(crate) fn is_asked_for(&self) -> bool {
        self.go.is_some()
            || self.go_cache.is_some()
            || self.go_private.is_some()
            || self.git_config.is_some()
            || self.ssh_key.is_some()
            || self.ssh_known_hosts.is_some()
    }

    fn configured(
        &self,
        cache: &Path,
        roots: &Roots,
        part: Option<&str>,
    ) -> Result<GoGet, BoxError> {
        let folder = part.map_or_else(|| cache.to_owned(), |part| cache.join(part));
        let mut settings = Settings::new(folder);
        if let Some(bundle) = roots.bundle(cache)? {
            settings = settings
                .env("SSL_CERT_FILE", &bundle)
                .git_config("http.sslCAInfo", bundle.to_string_lossy());
        }
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
        if self.ssh_key.is_some() && self.ssh_known_hosts.is_none() {
            return Err("--ssh-key needs --ssh-known-hosts".into());
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

/// Another one for each list of patterns. Its beginning is for people.
fn folder_name(modules: &str) -> String {
    let plain = |letter: char| match letter {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' => letter,
        _ => '_',
    };
    let start: String = modules.chars().map(plain).take(40).collect();
    let hash = Sha256::digest(modules);
    let hash: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{start}-{hash}")
}

fn is_in_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::folder_name;

    #[test]
    fn no_two_entries_have_one_folder() {
        let long = "corp.example/a-long-path-of-a-module/".repeat(20);
        let names = [
            "a.example/b",
            "a.example_b",
            "a.example,b",
            &long,
            &long[1..],
        ];
        for (n, one) in names.iter().enumerate() {
            let name = folder_name(one);
            assert!(name.len() < 100 && !name.contains(['/', ',']), "{name}");
            assert!(
                names[..n].iter().all(|other| folder_name(other) != name),
                "{one}"
            );
        }
    }
}
