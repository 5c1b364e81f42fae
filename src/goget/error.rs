//! What can go wrong with the go command, and which status says so.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

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
    /// The command took longer than this.
    TimeLimit(Duration),
    /// No run slot was free for this long.
    Busy(Duration),
    /// The go command, git, the folder, or a setting is not as it must be.
    Setup,
    /// A clone is broken.
    Broken,
    /// Trouble on this machine: no permission, no memory.
    Local,
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

    /// With another cause.
    pub(super) fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
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
        match self.kind {
            Kind::NotModule | Kind::NotFound | Kind::NoCredentials => StatusCode::NOT_FOUND,
            Kind::Method => StatusCode::METHOD_NOT_ALLOWED,
            Kind::Forbidden => StatusCode::FORBIDDEN,
            Kind::Verification
            | Kind::Moved
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

    /// Whether the module, or this version of it, does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == StatusCode::NOT_FOUND
    }

    /// The text for a client: one line, without credentials, and without folders and addresses of the server.
    #[must_use]
    pub fn reason(&self) -> String {
        let what = match self.kind {
            Kind::NotModule | Kind::NotFound => "not found",
            Kind::NoCredentials => "not found, or the server lacks credentials for the host",
            Kind::Method => return "method not allowed".into(),
            Kind::Forbidden => "forbidden",
            Kind::Verification => "bad gateway: verification failed",
            Kind::Moved => "bad gateway: the version has moved to another commit, try again later",
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
            _ => f.write_str(&self.text),
        }
    }
}

impl Error for GoGetError {}

/// One line without what a terminal takes for a command, or shows in another order than it is written.
fn plain(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let line: String = text
        .trim()
        .chars()
        .map(|c| if hidden(c) { ' ' } else { c })
        .collect();
    line
}

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
