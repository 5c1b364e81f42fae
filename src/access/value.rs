//! The value that an auth layer inserts.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::credentials::{Credentials, InvalidCredentials};
use super::logins::Logins;

/// The owner of a request, with the owner's credentials for hosts of repositories.
///
/// An auth layer inserts it into the extensions of a request; see the [module docs](super). Cheap to clone. Two are
/// equal if they have the same owner and the same credentials, passwords included, no matter in which order these were
/// added. `Debug` shows no password.
///
/// ```
/// use tower_goproxy::Access;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let access = Access::new("alice").token("git.corp.example", "glpat-secret")?;
///
/// let mut request = http::Request::get("/git.corp.example/team/m/@v/list").body(())?;
/// request.extensions_mut().insert(access);
/// assert!(!format!("{request:?}").contains("secret"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Access {
    inner: Arc<Inner>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Inner {
    owner: String,
    name: OwnerName,
    logins: Logins,
}

impl Access {
    /// Access for an owner: the name of a user, a team or a tenant. Requests with the same owner see the same files, so it
    /// must be a name that users cannot choose themselves, and that is never reassigned.
    #[must_use]
    pub fn new(owner: impl Into<String>) -> Self {
        let owner = owner.into();
        let name = OwnerName::of(&owner);
        let logins = Logins::default();
        Self {
            inner: Arc::new(Inner {
                owner,
                name,
                logins,
            }),
        }
    }

    /// Adds the owner's user and password for a host, and replaces earlier ones. The host can have a port, as in
    /// `git.corp.example:8443`.
    ///
    /// ```
    /// # use tower_goproxy::Access;
    /// assert!(Access::new("alice").credentials("git.corp.example", "alice", "two words").is_err());
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
        Ok(self.with(Credentials::new(host, user, password)?))
    }

    /// Adds the owner's token for a host, as the password of the user `x-access-token`, which GitHub requires and GitLab and
    /// Gitea accept.
    ///
    /// # Errors
    ///
    /// As for [`credentials`](Self::credentials).
    pub fn token(
        self,
        host: impl Into<String>,
        token: impl Into<String>,
    ) -> Result<Self, InvalidCredentials> {
        Ok(self.with(Credentials::token(host, token)?))
    }

    /// The owner.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.inner.owner
    }

    /// The owner's credentials for this host, with its port unless that is 443. For sources of your own.
    ///
    /// ```
    /// # use tower_goproxy::Access;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let access = Access::new("alice").credentials("git.corp.example", "alice", "secret")?;
    /// let found = access.credentials_for("git.corp.example").map(|one| one.user());
    /// assert_eq!(found, Some("alice"));
    /// assert!(access.credentials_for("git.corp.example:8443").is_none());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn credentials_for(&self, host: &str) -> Option<&Credentials> {
        self.inner.logins.get(host)
    }

    fn with(mut self, one: Credentials) -> Self {
        Arc::make_mut(&mut self.inner).logins.set(one);
        self
    }

    pub(crate) fn owner_name(&self) -> &OwnerName {
        &self.inner.name
    }

    #[cfg(feature = "go-get")]
    pub(crate) fn logins(&self) -> &Logins {
        &self.inner.logins
    }
}

/// Leaves out the passwords.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("owner", &self.inner.owner)
            .field("logins", &self.inner.logins)
            .finish()
    }
}

/// The name of an owner as one element of a path: 64 hexadecimal digits, whatever the owner is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OwnerName(String);

impl OwnerName {
    fn of(owner: &str) -> Self {
        let hash = Sha256::digest(owner.as_bytes());
        let digits = hash.iter().map(|byte| format!("{byte:02x}"));
        Self(digits.collect())
    }

    /// `None` if no owner has this name.
    #[cfg(feature = "fill")]
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        let is_name = name.len() == 64 && name.bytes().all(is_digit);
        is_name.then(|| Self(name.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    use super::{Access, OwnerName};

    #[test]
    fn access_is_equal_whatever_the_order_of_its_hosts() {
        let with = |hosts: [&'static str; 3]| {
            let access = Ok(Access::new("alice"));
            let added = hosts
                .iter()
                .fold(access, |access, host| access?.token(*host, "t"));
            added.expect("good tokens")
        };
        let (a, b) = (
            with(["a.b", "b.b", "c.b:8443"]),
            with(["c.b:8443", "a.b", "b.b"]),
        );
        assert_eq!(a, b);
        assert_eq!(hash(&a), hash(&b));
        // A later token for a host replaces the earlier one.
        assert_eq!(with(["a.b", "b.b", "a.b"]), with(["b.b", "a.b", "b.b"]));
        assert_ne!(a, with(["a.b", "b.b", "a.b"]));
    }

    fn hash(access: &Access) -> u64 {
        let mut hasher = DefaultHasher::new();
        access.hash(&mut hasher);
        hasher.finish()
    }

    #[test]
    fn the_name_of_an_owner_is_its_sha_256() {
        let names = ["abc", "../../etc"].map(|owner| OwnerName::of(owner).0);
        assert_eq!(
            names[0],
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(names[1].len() == 64 && names[1].chars().all(|c| c.is_ascii_hexdigit()));
    }
}
