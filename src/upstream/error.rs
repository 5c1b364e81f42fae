//! What can go wrong with an upstream, and which status says so.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tower::BoxError;

use super::said::Said;

/// Why an [`Upstream`](super::Upstream) has no answer, or why its answer broke off.
///
/// [`Upstream::try_call`](super::Upstream::try_call) returns it, the body of a response ends with it, and a response
/// made from it has it in its extensions, so that layers outside can tell why.
///
/// `Display` is for operators and names the upstream's host, never its credentials. What a client is shown is
/// [`reason`](Self::reason), which does not name the host.
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
    /// It is of a registry that is known to be away.
    away: bool,
    /// Another entry of the list might have said something else, but was away.
    uncertain: bool,
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
    /// The registry answered, but not with the file.
    Said(Said),
    /// A `file://` entry does not have it.
    NoFile,
    /// The entry `off` was reached.
    Off,
    /// No connection, or one that broke before the head.
    Transport,
    Timeout(Limit, Duration),
    /// The body ended before its end.
    Broken,
    /// An answer that is not taken, and would be the same again: what the registry did.
    Unfit(&'static str),
    /// A `file://` entry cannot be read.
    File,
}

impl UpstreamError {
    pub(super) fn new(kind: Kind) -> Self {
        Self {
            kind,
            host: None,
            away: false,
            uncertain: false,
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

    pub(super) fn away(self) -> Self {
        Self { away: true, ..self }
    }

    pub(super) fn is_away(&self) -> bool {
        self.away
    }

    /// Whoever answers with this must not remember it.
    pub(super) fn uncertain(self) -> Self {
        Self {
            uncertain: true,
            ..self
        }
    }

    pub(super) fn is_uncertain(&self) -> bool {
        self.uncertain
    }

    /// Whether nobody may keep it: all that may pass by itself.
    pub(super) fn is_for_once(&self) -> bool {
        match &self.kind {
            Kind::Said(said) => self.uncertain || said.no_store || !said.is_refusal(),
            Kind::NoFile => self.uncertain,
            _ => true,
        }
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The status a client is answered with.
    ///
    /// 404 and 410 are for "it does not exist" alone, since the go command asks the next proxy of its list only for
    /// these two. What a registry refuses keeps its status, unless it refuses our credentials. A slow upstream is a 504,
    /// one that is down or answers nonsense a 502.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match &self.kind {
            Kind::NotModule(_) | Kind::Off | Kind::NoFile => StatusCode::NOT_FOUND,
            Kind::Said(said) if said.is_passed() => said.status,
            Kind::Method => StatusCode::METHOD_NOT_ALLOWED,
            Kind::Timeout(..) => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
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
        match &self.kind {
            Kind::Said(said) => said.is_not_found(),
            Kind::NoFile | Kind::Off => true,
            _ => false,
        }
    }

    /// Whether the registry said nothing at all.
    pub(super) fn is_silence(&self) -> bool {
        matches!(
            self.kind,
            Kind::Transport | Kind::Timeout(Limit::Connect | Limit::FirstByte, _)
        )
    }

    /// The text a client may see: no credentials, and no host but what the text of a registry names itself.
    #[must_use]
    pub fn reason(&self) -> String {
        let reason = match &self.kind {
            Kind::NotModule(text) => text.to_string(),
            Kind::Method => "method not allowed".into(),
            Kind::Said(said) => said.reason(),
            Kind::NoFile => "not found".into(),
            Kind::Off => "module lookup disabled by GOPROXY=off".into(),
            Kind::Transport => "bad gateway: upstream cannot be reached".into(),
            Kind::Timeout(limit, after) => {
                format!("gateway timeout: upstream exceeded the {limit} limit of {after:?}")
            }
            Kind::Broken => "bad gateway: upstream broke off".into(),
            Kind::Unfit(what) => format!("bad gateway: upstream {what}"),
            Kind::File => "bad gateway: upstream file cannot be read".into(),
        };
        match self.uncertain {
            true => reason + " (another upstream is away)",
            false => reason,
        }
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{host}: ")?;
        }
        match &self.kind {
            Kind::Said(said) if said.is_about_credentials() && said.with_credentials => {
                write!(f, "refused our credentials with {}", said.status)
            }
            Kind::Said(said) => {
                write!(f, "answered {}", said.status)?;
                match said.text.as_deref().and_then(|text| text.lines().next()) {
                    Some(text) => write!(f, ": {text}"),
                    None => Ok(()),
                }
            }
            _ => f.write_str(&self.reason()),
        }
    }
}

impl Error for UpstreamError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
