//! A user and a password for one host, checked.

use std::fmt;

/// A user and a password for one host.
///
/// No part can break out of a header or a netrc file. `Debug` shows no password.
///
/// ```
/// use tower_goproxy::access::Credentials;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let credentials = Credentials::new("Git.Corp.Example:443", "robot", "secret")?;
/// assert_eq!(credentials.host(), "git.corp.example");
/// assert!(!format!("{credentials:?}").contains("secret"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credentials {
    host: String,
    user: String,
    password: String,
}

/// The port of https, which a host need not name.
const DEFAULT_PORT: &str = ":443";

impl Credentials {
    /// Credentials for a host, which can have a port, as in `git.corp.example:8443`.
    ///
    /// # Errors
    ///
    /// If a part is empty or has characters that a netrc file cannot hold: blanks, quotes, what is not printable; or if
    /// the host is not a host.
    pub fn new(
        host: impl Into<String>,
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, InvalidCredentials> {
        let (host, user, password) = (host.into(), user.into(), password.into());
        let mut host = host.to_ascii_lowercase();
        // git takes both for the same host, and would send what was set for either.
        if let Some(bare) = host.strip_suffix(DEFAULT_PORT) {
            host.truncate(bare.len());
        }
        let is_host = |c: char| c.is_ascii_alphanumeric() || "-.:[]".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(InvalidCredentials("the host is not a host name"));
        }
        let is_word = |text: &str| {
            let good = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '#');
            !text.is_empty() && text.chars().all(good)
        };
        if !is_word(&user) || user.contains(':') {
            return Err(InvalidCredentials("the user is not one printable word"));
        }
        if !is_word(&password) {
            return Err(InvalidCredentials("the password is not one printable word"));
        }
        Ok(Self {
            host,
            user,
            password,
        })
    }

    /// A token, as the password of the user `x-access-token`, which GitHub requires and GitLab and Gitea accept.
    ///
    /// # Errors
    ///
    /// As for [`new`](Self::new).
    pub fn token(
        host: impl Into<String>,
        token: impl Into<String>,
    ) -> Result<Self, InvalidCredentials> {
        Self::new(host, "x-access-token", token)
    }

    /// The host in lower case, with its port unless that is 443.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password, or the token.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }
}

/// Leaves out the password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("host", &self.host)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Credentials that cannot be sent. The error does not contain them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCredentials(&'static str);

impl fmt::Display for InvalidCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidCredentials {}
