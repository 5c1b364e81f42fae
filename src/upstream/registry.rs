//! One registry of a list: its URL, the credentials for it, and what is known of it.

use std::fmt;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};

use super::error::UpstreamError;
use super::observe;
use crate::source::base::{Base, basic};
use crate::source::health::Health;
use crate::source::netrc_file::NetrcFile;

#[derive(Clone)]
pub(super) struct Registry {
    base: Base,
    pub(super) netrc: Option<Arc<NetrcFile>>,
    /// Of the settings; all of them may be secret.
    pub(super) headers: HeaderMap,
    health: Arc<Health<UpstreamError>>,
}

impl Registry {
    pub(super) fn new(base: Base) -> Self {
        Self {
            health: Arc::new(Health::new()),
            base,
            netrc: None,
            headers: HeaderMap::new(),
        }
    }

    pub(super) fn base(&self) -> &Base {
        &self.base
    }

    pub(super) fn health(&self) -> &Health<UpstreamError> {
        &self.health
    }

    /// A head has come, whatever it says.
    pub(super) fn answered(&self) {
        if let Some(was_away) = self.health.answered() {
            observe::up(self.base.host(), was_away);
        }
    }

    /// A request that went out after so many `answers` failed.
    pub(super) fn failed(&self, answers: u64, error: &UpstreamError) {
        if error.is_silence() && self.health.failed(answers, error) {
            self.health.doubt(error.limit().is_some());
            observe::away(self.base.host(), error);
        }
    }

    /// The headers with credentials for a request of `path`: of the URL, else of the settings, else of the netrc file.
    pub(super) fn credentials(&self, path: &str) -> HeaderMap {
        let mut headers = self.headers.clone();
        if let Some(authorization) = self.base.authorization() {
            headers.insert(AUTHORIZATION, authorization.clone());
        } else if let Some(netrc) = &self.netrc
            && self.base.is_secure()
            && !headers.contains_key(AUTHORIZATION)
            && let Some(entry) = netrc.current().find(&self.base.machine(path))
            // Base64 fits into a header.
            && let Ok(authorization) = basic(&entry.login, &entry.password)
        {
            headers.insert(AUTHORIZATION, authorization);
        }
        headers
    }
}

/// Leaves out credentials.
impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&HeaderName> = self.headers.keys().collect();
        f.debug_struct("Registry")
            .field("base", &self.base)
            .field("netrc", &self.netrc.is_some())
            .field("headers", &headers)
            .field("health", &self.health)
            .finish()
    }
}
