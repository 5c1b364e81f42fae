//! The settings of an upstream, in the order in which they come to bear.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue, Uri};

use super::list_error::InvalidUpstream;
use super::redirect::MayStep;
use super::service::Upstream;
use crate::source::netrc_file::NetrcFile;

impl<C> Upstream<C> {
    /// The limit from a request to the head of its response, for each attempt and each redirect. Default: 2 minutes, since
    /// the default registry takes more than one for a version that it has never seen.
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
    /// A body is cut while it waits for the upstream, never while it has bytes at hand. Make it longer than the other limits:
    /// a registry that exceeds only this one does not count as away.
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
        self.set(move |config| {
            for registry in config.list.registries() {
                registry.headers.insert(&name, value.clone());
            }
        })
    }

    /// Decides which redirects are followed, by where they lead from and to. Default: those that do not lead from public
    /// addresses to private ones.
    ///
    /// By default a registry cannot make the proxy request from this machine (`127.0.0.1`), from its link
    /// (`169.254.169.254`) or from private networks, unless the registry itself is at such an address. A client service of
    /// your own has to look at the addresses behind names by itself, and so has a proxy that the environment names. Whatever
    /// this says, no redirect leads from `https` to `http`, and at most ten are followed.
    ///
    /// ```
    /// # use tower_goproxy::Upstream;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // The registry keeps its zips on a server of the local network.
    /// let upstream = Upstream::new("http://goproxy.corp.example")?
    ///     .follow_redirects(|_from, to| to.host() == Some("files.corp.example"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn follow_redirects(
        self,
        may_follow: impl Fn(&Uri, &Uri) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.set(|config| config.redirects = Some(MayStep(Arc::new(may_follow))))
    }

    /// Takes credentials from a netrc file. It is read now, and again when it changes: within a second. Default: none.
    ///
    /// As in the go command, they are sent over https only; `machine` must be `host:port` if the URL has a port, may begin
    /// with `https://` and go on with a path; the longest one counts, and `default` does not. Host names compare
    /// without case. What follows a `#` is a comment, unless it is a value.
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
        self.with_netrc(NetrcFile::read(path.as_ref()).map(Some))
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
        self.with_netrc(NetrcFile::from_env())
    }

    fn with_netrc(self, file: io::Result<Option<NetrcFile>>) -> Result<Self, InvalidUpstream> {
        let unreadable = |error| InvalidUpstream::caused("the netrc file cannot be read", error);
        let file = file.map_err(unreadable)?.map(Arc::new);
        Ok(self.set(|config| {
            for registry in config.list.registries() {
                registry.netrc.clone_from(&file);
            }
        }))
    }
}
