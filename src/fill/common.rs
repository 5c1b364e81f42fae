use std::sync::Arc;

use super::config::Config;
use super::flights::Flights;
use super::hot::Hot;
use crate::storage::Storage;

/// What all services of one layer have in common.
#[derive(Clone, Debug)]
pub(super) struct Common {
    pub(super) storage: Storage,
    pub(super) config: Arc<Config>,
    pub(super) hot: Arc<Hot>,
    pub(super) flights: Arc<Flights>,
}

impl Common {
    pub(super) fn new(storage: Storage) -> Self {
        Self {
            storage,
            config: Arc::default(),
            hot: Arc::default(),
            flights: Arc::new(Flights::new()),
        }
    }
}
