//! What can go wrong with the go command, and which status says so.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

/// Why a [`GoGet`](super::GoGet) has no answer.
///
/// [`GoGet::try_call`](super::GoGet::try_call) returns it, and a response made from it has it in its extensions, so
/// that layers outside can tell why.
///
/// `Display` is for operators: it has the whole message of the go command, with paths of the server. What a client is
/// shown is [`reason`](Self::reason). Neither has credentials.
#[derive(Clone, Debug)]
pub struct GoGetError {
    kind: Kind,
    /// What a client may see of the message.
    shown: Arc<str>,
    /// The message.
    text: Arc<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The path asks for no resource of a module.
    NotModule,
    /// Neither GET nor HEAD.
    Method,
    /// No such repository, module or version; or none that can be a module.
    NotFound,
    /// A host wants to know who we are, and nothing was set for it. It may well have no such repository.
    NoCredentials,
    /// The settings do not allow it.
    Forbidden,
    /// The checksum database says otherwise, or nothing.
    Verification,
    /// A host refuses us.
    Credentials,
    /// A host has another key than it is known by, or it is not known.
    HostKey,
    /// A host has had enough of us.
    TooMany,
    /// A host cannot be reached, or breaks off.
    Unreachable,
    /// A host is too slow.
    Slow,
    /// The module needs a newer go command.
    OldGo,
    /// The message says nothing that is known.
    Unknown,
    /// The go command answered what makes no sense.
    Nonsense,
    /// The command took longer than this.
    TimeLimit(Duration),
    /// All places were taken for this long.
    Busy(Duration),
    /// The go command, git, or the folder of the cache is not as it must be.
    Setup,
    /// A clone is broken.
    Broken,
    /// Trouble on this machine: no permission, no memory.
    Local,
    /// There is no space.
    Full,
}

impl GoGetError {
    pub(super) fn new(kind: Kind, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        Self {
            kind,
            shown: Arc::clone(&text),
            text,
        }
    }

    /// With another text for clients.
    pub(super) fn showing(self, shown: impl Into<Arc<str>>) -> Self {
        Self {
            shown: shown.into(),
            ..self
        }
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The status a client is answered with.
    ///
    /// 404 is for "it does not exist" alone, since the go command asks the next proxy of its list then. What is not
    /// understood is a 502.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self.kind {
            Kind::NotModule | Kind::NotFound | Kind::NoCredentials => StatusCode::NOT_FOUND,
            Kind::Method => StatusCode::METHOD_NOT_ALLOWED,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::Verification
            | Kind::Credentials
            | Kind::HostKey
            | Kind::Unreachable
            | Kind::OldGo
            | Kind::Broken
            | Kind::Unknown
            | Kind::Nonsense => StatusCode::BAD_GATEWAY,
            Kind::TooMany | Kind::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Slow | Kind::TimeLimit(_) => StatusCode::GATEWAY_TIMEOUT,
            Kind::Setup | Kind::Local | Kind::Full => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Whether the answer is that the module, or this version of it, does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == StatusCode::NOT_FOUND
    }

    /// The text a client may see: one line, without paths of this machine and without credentials.
    #[must_use]
    pub fn reason(&self) -> String {
        let what = match self.kind {
            Kind::NotModule | Kind::NotFound => "not found",
            Kind::NoCredentials => "not found, or the server lacks credentials for the host",
            Kind::Method => return "method not allowed".into(),
            Kind::Forbidden => "forbidden",
            Kind::Verification => "bad gateway: verification failed",
            Kind::Credentials => "bad gateway: the host of the repository refuses access",
            Kind::HostKey => "bad gateway: the server does not know the host by this key",
            Kind::TooMany => "the host of the repository has had too many requests",
            Kind::Unreachable => "bad gateway: the host of the repository cannot be reached",
            Kind::Slow => "gateway timeout: the host of the repository is too slow",
            Kind::OldGo => "bad gateway: the server needs a newer go command",
            Kind::Broken => "bad gateway: the copy of the repository is broken",
            Kind::Unknown | Kind::Nonsense => "bad gateway",
            Kind::TimeLimit(limit) => {
                return format!("gateway timeout: version control took longer than {limit:?}");
            }
            Kind::Busy(_) => return "too many commands are running, try again later".into(),
            Kind::Setup => "the server is not set up",
            Kind::Local | Kind::Full => return "trouble on the server".into(),
        };
        if self.shown.is_empty() {
            what.into()
        } else {
            format!("{what}: {}", self.shown)
        }
    }
}

impl fmt::Display for GoGetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Method | Kind::TimeLimit(_) | Kind::Busy(_) => f.write_str(&self.reason()),
            _ => f.write_str(self.text.trim_end()),
        }
    }
}

impl Error for GoGetError {}
