//! The settings of an upstream, in the order in which they come to bear.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::list_error::InvalidUpstream;
use super::netrc::Netrc;
use super::service::Upstream;

impl<C> Upstream<C> {
    /// The limit from a request to the head of its response, for each attempt and each redirect. Default: 30 s.
    ///
    /// It includes the time to connect, if there is no open connection.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_goproxy::Upstream;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let upstream = Upstream::new("http://localhost:8080")?.first_byte_timeout(Duration::from_secs(10));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn first_byte_timeout(self, limit: Duration) -> Self {
        self.set(|config| config.first_byte = limit)
    }

    /// The limit for waiting for the next part of a body. Default: 30 s.
    ///
    /// Time in which nobody reads the body does not count.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_goproxy::Upstream;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let upstream = Upstream::new("http://localhost:8080")?.idle_timeout(Duration::from_secs(10));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn idle_timeout(self, limit: Duration) -> Self {
        self.set(|config| config.idle = limit)
    }

    /// The limit for the whole exchange: all registries, attempts and pauses, and the body. Default: one hour, in
    /// which 500 MiB come through a line of 1.2 Mbit/s. `None` is no limit.
    ///
    /// A body is cut while it waits for the upstream, never while it has bytes at hand.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use tower_goproxy::Upstream;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let upstream = Upstream::new("http://localhost:8080")?.total_timeout(Duration::from_secs(600));
    /// let endless = upstream.total_timeout(None);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn total_timeout(self, limit: impl Into<Option<Duration>>) -> Self {
        let limit = limit.into();
        self.set(|config| config.total = limit)
    }

    /// How often a registry is asked again before the first byte. Default: 2.
    ///
    /// Asked again are connections that fail or break, 502, 503, 504, and a 429 with a `Retry-After` of at most 5 s.
    /// The pauses are random, up to 100 ms at first, then doubled, or what a `Retry-After` of at most 5 s says; with a
    /// longer one there is no second attempt. What took too long is not asked again.
    ///
    /// ```
    /// # use tower_goproxy::Upstream;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // The first answer counts.
    /// let upstream = Upstream::new("http://localhost:8080")?.retries(0);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn retries(self, retries: u32) -> Self {
        self.set(|config| config.retries = retries)
    }

    /// How often in a row the rest of a broken body is asked for. Default: 3.
    ///
    /// An attempt that brings 64 KiB or more starts a new count.
    ///
    /// ```
    /// # use tower_goproxy::Upstream;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let upstream = Upstream::new("http://localhost:8080")?.resumes(10);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn resumes(self, resumes: u32) -> Self {
        self.set(|config| config.resumes = resumes)
    }

    /// Sends this header to the registries of the list, and nowhere else: it is dropped when they redirect to another
    /// host.
    ///
    /// **Every** registry of the list gets it. For credentials of one of several use the URL or a netrc file. It wins
    /// over a netrc file, the URL wins over it.
    ///
    /// ```
    /// # use http::HeaderValue;
    /// # use http::header::AUTHORIZATION;
    /// # use tower_goproxy::Upstream;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let token = HeaderValue::from_static("Bearer secret");
    /// let upstream = Upstream::new("http://localhost:8080")?.header(AUTHORIZATION, token);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn header(self, name: HeaderName, mut value: HeaderValue) -> Self {
        value.set_sensitive(true);
        self.set(|config| {
            config.headers.insert(name, value);
        })
    }

    /// Takes credentials from a netrc file, read now. Default: none.
    ///
    /// As in the go command, they are sent over https only; `machine` must be `host:port` if the URL has a port, and
    /// may go on with a path; the longest one counts, and `default` does not.
    ///
    /// ```
    /// # use tower_goproxy::Upstream;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let missing = Upstream::new("http://localhost:8080")?.netrc("/nonexistent/netrc");
    /// assert!(missing.is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the file cannot be read.
    pub fn netrc(self, path: impl AsRef<Path>) -> Result<Self, InvalidUpstream> {
        let netrc = Netrc::read(path.as_ref()).map_err(InvalidUpstream::netrc)?;
        Ok(self.set(|config| config.netrc = Some(Arc::new(netrc))))
    }

    /// Takes credentials from the [netrc](Self::netrc) file that the go command uses: `$NETRC`, else `.netrc` in the
    /// home directory (`_netrc` on Windows). None if there is no such file.
    ///
    /// ```
    /// # use tower_goproxy::Upstream;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let upstream = Upstream::new("http://localhost:8080")?.netrc_from_env()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If the file is there and cannot be read.
    pub fn netrc_from_env(self) -> Result<Self, InvalidUpstream> {
        let netrc = Netrc::from_env().map_err(InvalidUpstream::netrc)?;
        Ok(self.set(|config| config.netrc = Some(Arc::new(netrc))))
    }
}
