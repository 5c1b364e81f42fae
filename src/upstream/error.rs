//! What can go wrong with an upstream, and which status says so.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tower::BoxError;

/// Why an [`Upstream`](super::Upstream) has no answer, or why its answer broke off.
///
/// [`Upstream::try_call`](super::Upstream::try_call) returns it, the body of a response ends with it, and a response
/// made from it has it in its extensions, so that layers outside can tell why.
///
/// `Display` is for operators and names the upstream's host, never its credentials. What a client is shown is
/// [`reason`](Self::reason), which says nothing of the host.
///
/// ```
/// # use tower_goproxy::Upstream;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let upstream = Upstream::new("off")?;
/// let request = http::Request::new(String::new());
/// let error = upstream.try_call(&request).await.unwrap_err();
/// assert_eq!(error.status(), 404);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct UpstreamError {
    kind: Kind,
    host: Option<Arc<str>>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// Which limit a slow upstream exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// Name resolution, TCP, proxy and TLS together: [`Upstream::connect_timeout`](super::Upstream::connect_timeout).
    Connect,
    /// From the request to the head of its response: [`Upstream::first_byte_timeout`](super::Upstream::first_byte_timeout).
    FirstByte,
    /// Between two parts of a body: [`Upstream::idle_timeout`](super::Upstream::idle_timeout).
    Idle,
    /// The whole exchange: [`Upstream::total_timeout`](super::Upstream::total_timeout).
    Total,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::FirstByte => "first byte",
            Self::Idle => "idle",
            Self::Total => "total",
        })
    }
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// The path asks for no resource of a module.
    NotModule(Arc<str>),
    /// Neither GET nor HEAD.
    Method,
    /// 404 or 410 of the upstream, with its text if that is fit to be shown.
    NotFound {
        gone: bool,
        text: Option<Arc<str>>,
    },
    /// The entry `off` was reached.
    Off,
    /// 401 or 403: the credentials are wrong or missing.
    Credentials(StatusCode),
    /// 429, with what `Retry-After` says.
    TooMany(Option<Arc<str>>),
    /// Any other status, with the seconds of a `Retry-After`.
    Status(StatusCode, Option<u64>),
    /// No connection, or one that broke before the head.
    Transport,
    /// A redirect that is not followed.
    Redirect(&'static str),
    Timeout(Limit, Duration),
    /// The client service returned an error while the body was read.
    Broken,
    /// The body ended before its declared length.
    Short {
        got: u64,
        declared: u64,
    },
    /// The body went on after its declared length.
    Long {
        declared: u64,
    },
    /// Nothing says where the body ends, and half of it would look whole.
    Endless,
    /// What came back for the rest of a broken body is not that rest.
    Changed,
    /// A `file://` entry cannot be read.
    File,
}

impl UpstreamError {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            host: None,
            source: None,
        }
    }

    pub(super) fn caused(kind: Kind, source: BoxError) -> Self {
        Self {
            source: Some(Arc::from(source)),
            ..Self::new(kind)
        }
    }

    /// An error of a client service: one of ours that passed through it, or a transport failure.
    pub(super) fn from_client(source: BoxError) -> Self {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&*source);
        while let Some(error) = cause {
            if let Some(ours) = error.downcast_ref::<Self>() {
                return ours.clone();
            }
            cause = error.source();
        }
        Self::caused(Kind::Transport, source)
    }

    pub(super) fn at(mut self, host: &Arc<str>) -> Self {
        self.host.get_or_insert_with(|| Arc::clone(host));
        self
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The status a client is answered with.
    ///
    /// 404 and 410 are for "it does not exist" alone, since the go command asks the next proxy of its list only for
    /// these two. A slow upstream is a 504, one that is down or answers nonsense a 502.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match &self.kind {
            Kind::NotModule(_) | Kind::Off | Kind::NotFound { gone: false, .. } => {
                StatusCode::NOT_FOUND
            }
            Kind::NotFound { gone: true, .. } => StatusCode::GONE,
            Kind::Method => StatusCode::METHOD_NOT_ALLOWED,
            Kind::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Kind::Timeout(..) => StatusCode::GATEWAY_TIMEOUT,
            Kind::Credentials(_)
            | Kind::Status(..)
            | Kind::Transport
            | Kind::Redirect(_)
            | Kind::Broken
            | Kind::Short { .. }
            | Kind::Long { .. }
            | Kind::Endless
            | Kind::Changed
            | Kind::File => StatusCode::BAD_GATEWAY,
        }
    }

    /// The limit that was exceeded, if it is that.
    #[must_use]
    pub fn limit(&self) -> Option<Limit> {
        match self.kind {
            Kind::Timeout(limit, _) => Some(limit),
            _ => None,
        }
    }

    /// Whether the answer is that the module, or this version of it, does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind, Kind::NotFound { .. } | Kind::Off)
    }

    /// The text a client may see: no credentials, and no host but what the text of a 404 or 410 names itself.
    #[must_use]
    pub fn reason(&self) -> String {
        match &self.kind {
            Kind::NotModule(text) => text.to_string(),
            Kind::Method => "method not allowed".into(),
            Kind::NotFound {
                text: Some(text), ..
            } => text.to_string(),
            Kind::NotFound { gone: false, .. } => "not found".into(),
            Kind::NotFound { gone: true, .. } => "gone".into(),
            Kind::Off => "module lookup disabled by GOPROXY=off".into(),
            Kind::Credentials(_) => "bad gateway: upstream refused access".into(),
            Kind::TooMany(_) => "too many requests to upstream".into(),
            Kind::Status(status, _) => format!("bad gateway: upstream answered {status}"),
            Kind::Transport => "bad gateway: upstream cannot be reached".into(),
            Kind::Redirect(_) => "bad gateway: upstream redirects wrongly".into(),
            Kind::Timeout(limit, after) => {
                format!("gateway timeout: upstream exceeded the {limit} limit of {after:?}")
            }
            Kind::Broken | Kind::Short { .. } | Kind::Long { .. } | Kind::Changed => {
                "bad gateway: upstream broke off".into()
            }
            Kind::Endless => "bad gateway: upstream does not say where the file ends".into(),
            Kind::File => "bad gateway: upstream file cannot be read".into(),
        }
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{host}: ")?;
        }
        match &self.kind {
            Kind::Credentials(status) => write!(f, "refused our credentials with {status}"),
            Kind::Redirect(why) => f.write_str(why),
            Kind::Short { got, declared } => {
                write!(f, "body ended after {got} of {declared} bytes")
            }
            Kind::Long { declared } => write!(f, "body is longer than its {declared} bytes"),
            Kind::Changed => f.write_str("body broke off, and its rest cannot be asked for"),
            _ => f.write_str(&self.reason()),
        }
    }
}

impl Error for UpstreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
