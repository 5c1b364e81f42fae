//! What answers a request.

use std::sync::Arc;

use axum::Router;

use crate::rules::FileRules;

/// What answers a request from its beginning to its end, also when files are read again meanwhile.
pub(crate) struct Current {
    pub(crate) router: Router,
    pub(crate) rules: Arc<FileRules>,
}
