//! Who we are for the hosts of repositories. No command has it among its arguments, except what a URL in a line of git's
//! configuration holds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::config::absolute;
use super::service::GoGet;
use crate::access::credentials::{Credentials, InvalidCredentials};

impl GoGet {
    /// Takes credentials from a netrc file, read now. Default: none.
    ///
    /// The go command uses them over https only. git sends those of a host to each of its ports, and over http too, where
    /// that is [allowed](Self::insecure). A `default` entry is left out: it would be sent to any host that a module's
    /// path leads to.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// assert!(GoGet::new("/var/cache/goproxy").netrc("/nonexistent/netrc").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// If the file cannot be read as text.
    pub fn netrc(self, path: impl AsRef<Path>) -> io::Result<Self> {
        let netrc = fs::read_to_string(path)?;
        Ok(self.set(|config| config.netrc = netrc))
    }

    /// Sends this user and password to `host` over https: git when the host asks for them, the go command with requests
    /// that find out where a repository is. They win over a netrc file and over a credential helper. Of two for one host
    /// the later counts. For credentials of the user who asks, see [`Access`](crate::Access).
    ///
    /// The host can have a port, as in `git.corp.example:8443`. No other host and no other port gets them, also where the
    /// host redirects; except that the go command follows a redirect to a subdomain, or to another port, with them.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let goget = GoGet::new("/var/cache/goproxy").credentials("git.corp.example", "robot", "secret")?;
    /// assert!(!format!("{goget:?}").contains("secret"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If a part is empty or has characters that a netrc file cannot hold: blanks, quotes, what is not printable; or if
    /// the host is not a host.
    pub fn credentials(
        self,
        host: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, InvalidCredentials> {
        let one = Credentials::new(host, user, password)?;
        Ok(self.set(|config| config.credentials.set(one)))
    }

    /// Sends this token to `host`, as [`credentials`](Self::credentials) with the user that GitHub wants
    /// (`x-access-token`) and that GitLab and Gitea take too.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let goget = GoGet::new("/var/cache/goproxy").token("github.com", "ghp_secret")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`credentials`](Self::credentials).
    pub fn token(
        self,
        host: impl Into<String>,
        token: impl Into<String>,
    ) -> Result<Self, InvalidCredentials> {
        let one = Credentials::token(host, token)?;
        Ok(self.set(|config| config.credentials.set(one)))
    }

    /// A line of git's configuration (`man git-config`). The configuration of the machine and of the user who runs the
    /// server does not count. A URL with a password is seen in the list of processes; use
    /// [`credentials`](Self::credentials) for it.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// // All repositories of the company are had over ssh.
    /// let goget = GoGet::new("/var/cache/goproxy")
    ///     .git_config("url.ssh://git@git.corp.example/.insteadOf", "https://git.corp.example/");
    /// ```
    #[must_use]
    pub fn git_config(self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.set(|config| config.git_config.push((key.into(), value.into())))
    }

    /// A file with git's configuration. Some settings count only there, such as `safe.directory`.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").git_config_file("/etc/goproxy/gitconfig");
    /// ```
    #[must_use]
    pub fn git_config_file(self, path: impl Into<PathBuf>) -> Self {
        self.set(|config| config.git_config_file = Some(absolute(path.into())))
    }

    /// A command that git asks for credentials (`man gitcredentials`).
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").git_credential_helper("/usr/local/bin/vault-helper");
    /// ```
    #[must_use]
    pub fn git_credential_helper(self, helper: impl Into<String>) -> Self {
        self.git_config("credential.helper", helper)
    }

    /// The private key for ssh. Default: none. Files and agents of the user who runs the server do not count.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy")
    ///     .ssh_key("/etc/goproxy/id_ed25519")
    ///     .ssh_known_hosts("/etc/goproxy/known_hosts");
    /// ```
    #[must_use]
    pub fn ssh_key(self, path: impl Into<PathBuf>) -> Self {
        self.set(|config| config.ssh_key = Some(absolute(path.into())))
    }

    /// The socket of an agent whose keys ssh may use (`man ssh-agent`). Default: none, whatever `SSH_AUTH_SOCK` is.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy")
    ///     .ssh_agent("/run/goproxy/agent.sock")
    ///     .ssh_known_hosts("/etc/goproxy/known_hosts");
    /// ```
    #[must_use]
    pub fn ssh_agent(self, socket: impl Into<PathBuf>) -> Self {
        self.set(|config| config.ssh_agent = Some(absolute(socket.into())))
    }

    /// The file with the keys of the hosts that ssh may connect to. Default: none, so that it connects to no host.
    ///
    /// ```
    /// # use tower_goproxy::GoGet;
    /// let goget = GoGet::new("/var/cache/goproxy").ssh_known_hosts("/etc/goproxy/known_hosts");
    /// ```
    #[must_use]
    pub fn ssh_known_hosts(self, path: impl Into<PathBuf>) -> Self {
        self.set(|config| config.ssh_known_hosts = Some(absolute(path.into())))
    }
}
