//! One registry of a list: its URL, the credentials for it, and what is known of it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::error::UpstreamError;
use super::observe;
use crate::source::base::{Base, basic};
use crate::source::health::Health;
use crate::source::netrc_file::NetrcFile;

/// What is secret in it, its parts leave out of `Debug`.
#[derive(Clone, Debug)]
pub(super) struct Registry {
    base: Base,
    pub(super) netrc: Option<Arc<NetrcFile>>,
    /// Of the settings; all of them may be secret, and are marked so.
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

    /// What a request of `path` says that nobody else should read: the query of the URL, tokens, users and passwords.
    pub(super) fn secrets(&self, path: &str) -> Vec<String> {
        let mut secrets: Vec<String> = self.base.query().map(str::to_owned).into_iter().collect();
        for value in self.credentials(path).values() {
            let text = String::from_utf8_lossy(value.as_bytes());
            let word = text.rsplit(' ').next().unwrap_or_default();
            let pair = STANDARD.decode(word).unwrap_or_default();
            secrets.extend(String::from_utf8_lossy(&pair).split(':').map(str::to_owned));
            secrets.push(word.to_owned());
        }
        secrets
    }
}
