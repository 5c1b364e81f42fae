//! Settings that are about hosts: credentials, and how git and ssh connect.

use std::fs;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::secrets::BoxError;
use super::settings::{Settings, absolute};
use crate::access::credentials::{Credentials, InvalidCredentials};
use crate::access::value::Access;

impl Settings {
    /// Takes credentials from a netrc file. Each run reads it again, so that it may change. Default: none.
    ///
    /// The go command uses them over https only. git sends those of a host to each of its ports, and over HTTP too, where
    /// that is [allowed](Self::insecure). A `default` entry is not used: it would be sent to any host that a module's
    /// path leads to.
    ///
    /// # Errors
    ///
    /// If the file cannot be read as text now. If it cannot later, runs fail with 500.
    pub fn netrc(mut self, path: impl AsRef<Path>) -> io::Result<Self> {
        fs::read_to_string(&path)?;
        self.secrets.netrc = Some(absolute(path.as_ref().into()));
        Ok(self)
    }

    /// Sends this user and password to `host` over https. git and the go command both use them. A later call for the same
    /// host replaces the earlier one. They win over a netrc file and over a credential helper. For the credentials of a
    /// user, see [`Access`](crate::Access).
    ///
    /// The host can have a port, as in `git.corp.example:8443`. No other host and no other port gets them, even if the
    /// host redirects; except that the go command follows a redirect to a subdomain, or to another port, with them.
    ///
    /// ```
    /// # use tower_goproxy::goget::Settings;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let settings = Settings::new("/var/cache/goproxy").credentials("git.corp.example", "robot", "secret")?;
    /// assert!(!format!("{settings:?}").contains("secret"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If a part is empty or has characters that a netrc file cannot hold: blanks, quotes, unprintable ones; or if the
    /// host is not a host.
    pub fn credentials(
        mut self,
        host: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, InvalidCredentials> {
        self.secrets
            .logins
            .set(Credentials::new(host, user, password)?);
        Ok(self)
    }

    /// Sends this token to `host`, with the user that GitHub requires (`x-access-token`) and that GitLab and Gitea accept.
    ///
    /// # Errors
    ///
    /// As for [`credentials`](Self::credentials).
    pub fn token(
        mut self,
        host: impl Into<String>,
        token: impl Into<String>,
    ) -> Result<Self, InvalidCredentials> {
        self.secrets.logins.set(Credentials::token(host, token)?);
        Ok(self)
    }

    /// Calls `provider` before each run, for credentials that change: tokens of a GitHub App, of Vault, or of a command.
    ///
    /// It gets the path of the module, and the [`Access`](crate::Access) of the request. With an access, what it returns
    /// belongs to the owner; without one, to the service. It replaces other credentials for the same host. It runs within
    /// the [time limit](Self::time_limit); if it fails, the response is a 500, and its error is in the log.
    ///
    /// ```
    /// # use tower_goproxy::access::Credentials;
    /// # use tower_goproxy::goget::Settings;
    /// # async fn fresh_token() -> Result<String, std::io::Error> { Ok("t".into()) }
    /// let settings = Settings::new("/var/cache/goproxy").credentials_from(|_module, _access| async {
    ///     Ok(vec![Credentials::token("github.com", fresh_token().await?)?])
    /// });
    /// ```
    pub fn credentials_from<F, Fut>(mut self, provider: F) -> Self
    where
        F: Fn(String, Option<Access>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Vec<Credentials>, BoxError>> + Send + 'static,
    {
        self.secrets.provider = Some(Arc::new(move |module, access| {
            Box::pin(provider(module, access))
        }));
        self
    }

    /// A setting of git (`man git-config`). The configuration of the machine and of the user who runs the server is not
    /// used.
    ///
    /// Settings that hold or lead to a secret must name a host, as `http.https://git.corp.example/.extraHeader` or
    /// `credential.https://git.corp.example.helper` do: only runs that may use the credentials of that host get them. git
    /// runs a helper (`man gitcredentials`) for each connection, so its credentials may change.
    ///
    /// ```
    /// # use tower_goproxy::goget::Settings;
    /// # use tower_goproxy::GoGet;
    /// // All repositories of the company are fetched over ssh.
    /// let settings = Settings::new("/var/cache/goproxy")
    ///     .git_config("url.ssh://git@git.corp.example/.insteadOf", "https://git.corp.example/");
    /// assert!(GoGet::new(settings.clone()).is_ok());
    /// let error = GoGet::new(settings.git_config("http.cookieFile", "/etc/cookies")).unwrap_err();
    /// assert!(error.to_string().contains("http.cookieFile"));
    /// ```
    ///
    /// # Errors
    ///
    /// [`GoGet::new`](super::GoGet::new) refuses a setting that is not known to be harmless, with its name.
    pub fn git_config(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.secrets.git_config.push((key.into(), value.into()));
        self
    }

    /// A file with settings of git, for which the rules of [`git_config`](Self::git_config) hold. Each run reads it again,
    /// so that it may change. It cannot include other files.
    ///
    /// # Errors
    ///
    /// [`GoGet::check`](super::GoGet::check) and all responses fail with the name of a setting that is not allowed.
    pub fn git_config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.secrets.git_config_file = Some(absolute(path.into()));
        self
    }

    /// The private key for ssh. Default: none. Files and agents of the user who runs the server are not used.
    ///
    /// ```
    /// # use tower_goproxy::goget::Settings;
    /// let settings = Settings::new("/var/cache/goproxy")
    ///     .ssh_key("/etc/goproxy/id_ed25519")
    ///     .ssh_known_hosts("/etc/goproxy/known_hosts");
    /// ```
    pub fn ssh_key(mut self, path: impl Into<PathBuf>) -> Self {
        self.secrets.ssh_key = Some(absolute(path.into()));
        self
    }

    /// The socket of an agent whose keys ssh may use (`man ssh-agent`). Default: none, whatever `SSH_AUTH_SOCK` is.
    pub fn ssh_agent(mut self, socket: impl Into<PathBuf>) -> Self {
        self.secrets.ssh_agent = Some(absolute(socket.into()));
        self
    }

    /// The file with the keys of the hosts that ssh may connect to. Default: none, so that it connects to no host.
    pub fn ssh_known_hosts(mut self, path: impl Into<PathBuf>) -> Self {
        self.secrets.ssh_known_hosts = Some(absolute(path.into()));
        self
    }
}
