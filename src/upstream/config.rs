//! How an upstream is asked.

use std::time::Duration;

use super::list::List;
use super::redirect::MayStep;

#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) list: List,
    pub(super) first_byte: Duration,
    pub(super) idle: Duration,
    pub(super) total: Option<Duration>,
    pub(super) retries: u32,
    pub(super) resumes: u32,
    pub(super) redirects: Option<MayStep>,
}

impl Config {
    pub(super) fn new(list: List) -> Self {
        Self {
            list,
            // The default registry takes a minute and more for a version that it has never seen.
            first_byte: Duration::from_secs(120),
            idle: Duration::from_secs(30),
            total: Some(Duration::from_secs(60 * 60)),
            retries: 2,
            resumes: 3,
            redirects: None,
        }
    }
}
