//! How an upstream is asked.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName};

use super::list::List;
use super::netrc::Netrc;

#[derive(Clone)]
pub(super) struct Config {
    pub(super) list: List,
    pub(super) first_byte: Duration,
    pub(super) idle: Duration,
    pub(super) total: Option<Duration>,
    pub(super) retries: u32,
    pub(super) resumes: u32,
    pub(super) netrc: Option<Arc<Netrc>>,
    pub(super) headers: HeaderMap,
}

impl Config {
    pub(super) fn new(list: List) -> Self {
        Self {
            list,
            first_byte: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            total: Some(Duration::from_secs(60 * 60)),
            retries: 2,
            resumes: 3,
            netrc: None,
            headers: HeaderMap::new(),
        }
    }
}

/// Leaves out credentials.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&HeaderName> = self.headers.keys().collect();
        f.debug_struct("Config")
            .field("list", &self.list)
            .field("first_byte", &self.first_byte)
            .field("idle", &self.idle)
            .field("total", &self.total)
            .field("retries", &self.retries)
            .field("resumes", &self.resumes)
            .field("netrc", &self.netrc.is_some())
            .field("headers", &headers)
            .finish()
    }
}
