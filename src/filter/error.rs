use std::fmt;

use http::StatusCode;

/// A status for excluded modules that does not refuse anything, since it is not 4xx or 5xx.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidExcludeStatus {
    pub(super) status: StatusCode,
}

impl fmt::Display for InvalidExcludeStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = self.status.as_u16();
        write!(
            f,
            "excluded modules cannot be refused with status {status}: use 4xx or 5xx"
        )
    }
}

impl std::error::Error for InvalidExcludeStatus {}
