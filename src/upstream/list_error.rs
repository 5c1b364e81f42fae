//! Why a list of upstreams is refused.

use std::error::Error;
use std::fmt;
use std::io;

/// Why a GOPROXY list, or the set-up of an [`Upstream`](super::Upstream), is refused.
///
/// ```
/// # use tower_goproxy::Upstream;
/// let error = Upstream::new("https://proxy.golang.org,direct").unwrap_err();
/// assert!(error.to_string().contains("go-get service"));
/// ```
#[derive(Debug)]
pub struct InvalidUpstream(Reason);

#[derive(Debug)]
enum Reason {
    Empty,
    Direct,
    MissingScheme(String),
    Scheme(String),
    File(String),
    Insecure(String),
    Url(String),
    Roots(io::Error),
    Certificates(&'static str),
    Netrc(io::Error),
}

impl InvalidUpstream {
    pub(super) fn empty() -> Self {
        Self(Reason::Empty)
    }

    pub(super) fn direct() -> Self {
        Self(Reason::Direct)
    }

    pub(super) fn missing_scheme(entry: &str) -> Self {
        Self(Reason::MissingScheme(redacted(entry)))
    }

    pub(super) fn scheme(entry: &str) -> Self {
        Self(Reason::Scheme(redacted(entry)))
    }

    pub(super) fn file(entry: &str) -> Self {
        Self(Reason::File(redacted(entry)))
    }

    pub(super) fn insecure(entry: &str) -> Self {
        Self(Reason::Insecure(redacted(entry)))
    }

    pub(super) fn url(entry: &str) -> Self {
        Self(Reason::Url(redacted(entry)))
    }

    pub(super) fn roots(error: io::Error) -> Self {
        Self(Reason::Roots(error))
    }

    pub(super) fn certificates(why: &'static str) -> Self {
        Self(Reason::Certificates(why))
    }

    pub(super) fn netrc(error: io::Error) -> Self {
        Self(Reason::Netrc(error))
    }
}

impl fmt::Display for InvalidUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Reason::Empty => f.write_str("GOPROXY list is empty"),
            Reason::Direct => f.write_str(
                "`direct` cannot be an upstream: route these modules to a go-get service",
            ),
            Reason::MissingScheme(entry) => write!(f, "invalid proxy URL missing scheme: {entry}"),
            Reason::Scheme(entry) => {
                write!(
                    f,
                    "invalid proxy URL scheme (must be https, http, file): {entry}"
                )
            }
            Reason::File(entry) => {
                write!(
                    f,
                    "invalid file:// proxy URL, which is a path and nothing else: {entry}"
                )
            }
            Reason::Insecure(entry) => {
                write!(f, "refusing to pass credentials to insecure URL: {entry}")
            }
            Reason::Url(entry) => write!(f, "invalid proxy URL: {entry}"),
            Reason::Roots(_) => f.write_str("the system's root certificates cannot be loaded"),
            Reason::Certificates(why) => f.write_str(why),
            Reason::Netrc(_) => f.write_str("the netrc file cannot be read"),
        }
    }
}

impl Error for InvalidUpstream {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Reason::Roots(error) | Reason::Netrc(error) => Some(error),
            _ => None,
        }
    }
}

/// The entry as it may be shown: whatever could be a password is cut out.
fn redacted(entry: &str) -> String {
    let (scheme, rest) = match entry.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), entry),
    };
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}xxxxx@{host}"),
        None => format!("{scheme}{rest}"),
    }
}
