use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use tower::BoxError;

use crate::source::host::redacted;

/// Why a GOPROXY list, or the set-up of an [`Upstream`](super::Upstream), is refused.
///
/// ```
/// # use tower_goproxy::Upstream;
/// let error = Upstream::new("https://proxy.golang.org,direct").unwrap_err();
/// assert!(error.to_string().contains("Upstream::with_direct"));
/// ```
#[derive(Debug)]
pub struct InvalidUpstream {
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

impl InvalidUpstream {
    pub(super) fn new(message: &'static str) -> Self {
        Self {
            message: message.into(),
            source: None,
        }
    }

    /// `entry` may have a password in it.
    pub(super) fn entry(message: &str, entry: &str) -> Self {
        Self {
            message: format!("{message}: {}", redacted(entry)).into(),
            source: None,
        }
    }

    pub(super) fn caused(message: &'static str, source: impl Into<BoxError>) -> Self {
        Self {
            message: message.into(),
            source: Some(source.into()),
        }
    }
}

impl fmt::Display for InvalidUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for InvalidUpstream {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
