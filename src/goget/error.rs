//! What can go wrong with the go command, and which status says so.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::reply::plain;

/// Why a [`GoGet`](super::GoGet) has no answer.
///
/// [`GoGet::try_call`](super::GoGet::try_call) returns it, and an error response has it in its extensions, so that outer
/// layers can see the cause.
///
/// `Display` is for operators: the whole message of the go command, with folders and addresses of the server. Clients see
/// [`reason`](Self::reason). Neither has credentials or control characters.
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
    /// The path is not that of a module's resource.
    NotModule,
    /// Neither GET nor HEAD.
    Method,
    /// No such repository, module or version; or none that can be a module.
    NotFound,
    /// A host requires credentials, and there are none for it. It may well have no such repository.
    NoCredentials,
    /// The settings do not allow it.
    Forbidden,
    /// The checksum database has another hash, or no answer.
    Verification,
    /// The version is another commit than a moment ago.
    Moved,
    /// A host refuses our credentials.
    Credentials,
    /// A host has another key than the known one, or it is not known.
    HostKey,
    /// A host limits the rate of requests.
    TooMany,
    /// A host cannot be reached, or breaks off.
    Unreachable,
    /// A host is too slow.
    Slow,
    /// The module needs a newer go command.
    OldGo,
    /// The message is not understood.
    Unknown,
    /// The go command's output makes no sense.
    Nonsense,
    /// The command took longer than it may.
    TimeLimit,
    /// No run slot was free for this long.
    Busy(Duration),
    /// The go command, git, the folder, or a setting is not as it must be.
    Setup,
    /// A clone is broken.
    Broken,
    /// The module's go-import names this very server as the module proxy.
    Loop,
    /// Trouble on this machine: no permission, no memory.
    Local,
    /// Every client has left.
    Abandoned,
    /// The disk is full.
    Full,
}

impl GoGetError {
    pub(super) fn new(kind: Kind, text: impl AsRef<str>) -> Self {
        let text: Arc<str> = plain(text.as_ref()).into();
        Self {
            kind,
            shown: Arc::clone(&text),
            text,
        }
    }

    /// With another text for clients.
    pub(super) fn showing(self, shown: impl AsRef<str>) -> Self {
        Self {
            shown: plain(shown.as_ref()).into(),
            ..self
        }
    }

    /// The go command has not said what it should.
    pub(super) fn nonsense(what: &str) -> Self {
        Self::new(Kind::Nonsense, format!("the go command: {what}"))
    }

    pub(super) fn setup(text: impl AsRef<str>, shown: &str) -> Self {
        Self::new(Kind::Setup, text).showing(shown)
    }

    pub(super) fn local(what: &str, error: impl fmt::Display) -> Self {
        Self::new(Kind::Local, format!("{what}: {error}"))
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The status of the response.
    ///
    /// 404 means "it does not exist" and nothing else, since the go command then continues with the next proxy of its
    /// list. What is not understood is a 502.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.told().0
    }

    /// Whether the module, or this version of it, does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == StatusCode::NOT_FOUND
    }

    /// The text for a client: one line, without credentials, and without folders and addresses of the server.
    #[must_use]
    pub fn reason(&self) -> String {
        let (status, what) = self.told();
        let gateway = match status {
            StatusCode::BAD_GATEWAY => "bad gateway",
            StatusCode::GATEWAY_TIMEOUT => "gateway timeout",
            _ => "",
        };
        let is_hidden = matches!(
            self.kind,
            Kind::Busy(_) | Kind::Local | Kind::Full | Kind::Abandoned
        );
        let shown = if is_hidden { "" } else { &*self.shown };
        let parts = [gateway, what, shown];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(": ")
    }

    /// The status, and what is said of it.
    fn told(&self) -> (StatusCode, &'static str) {
        use StatusCode as S;
        let (none, bad, slow) = (S::NOT_FOUND, S::BAD_GATEWAY, S::GATEWAY_TIMEOUT);
        let (busy, ours) = (S::SERVICE_UNAVAILABLE, S::INTERNAL_SERVER_ERROR);
        match self.kind {
            Kind::NotModule | Kind::NotFound => (none, "not found"),
            Kind::NoCredentials => (
                none,
                "not found, or the server lacks credentials for the host",
            ),
            Kind::Method => (S::METHOD_NOT_ALLOWED, "method not allowed"),
            Kind::Forbidden => (S::FORBIDDEN, "forbidden"),
            Kind::Verification => (bad, "verification failed"),
            Kind::Moved => (
                bad,
                "the version has moved to another commit, try again later",
            ),
            Kind::Credentials => (bad, "the host of the repository refuses access"),
            Kind::HostKey => (bad, "the server does not know the host by this key"),
            Kind::TooMany => (busy, "the host of the repository has had too many requests"),
            Kind::Unreachable => (bad, "the host of the repository cannot be reached"),
            Kind::Slow => (slow, "the host of the repository is too slow"),
            Kind::OldGo => (bad, "the server needs a newer go command"),
            Kind::Broken => (bad, "the copy of the repository is broken"),
            Kind::Loop => (bad, "the go-import of the module leads back to this server"),
            Kind::Unknown | Kind::Nonsense => (bad, ""),
            Kind::TimeLimit => (slow, ""),
            Kind::Busy(_) => (busy, "too many commands are running, try again later"),
            Kind::Setup => (ours, "the server is not set up"),
            Kind::Local | Kind::Full | Kind::Abandoned => (ours, "trouble on the server"),
        }
    }
}

impl fmt::Display for GoGetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.is_empty() {
            true => f.write_str(&self.reason()),
            false => f.write_str(&self.text),
        }
    }
}

impl Error for GoGetError {}

/// Settings that cannot be used, by name. It never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidSettings(String);

impl InvalidSettings {
    pub(super) fn new(text: impl AsRef<str>) -> Self {
        Self(plain(text.as_ref()))
    }
}

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for InvalidSettings {}

#[cfg(test)]
mod tests {
    use super::{GoGetError, Kind};

    #[test]
    fn no_text_has_control_characters() {
        let error = GoGetError::new(Kind::NotFound, "a\n\tb\u{1b}[31m\r\u{202e}c\n")
            .showing("d\u{7}\u{9b}e");
        assert_eq!(error.to_string(), "a  b [31m  c");
        assert_eq!(error.reason(), "not found: d  e");
    }
}
