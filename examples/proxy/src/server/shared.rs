//! What all connections of a server share.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::extract::Request;
use axum::response::Response;
use tokio::sync::{Semaphore, watch};
use tokio_rustls::rustls::ServerConfig;
use tokio_util::task::TaskTracker;

use super::crowd::Crowd;
use super::limits::Limits;
use crate::life::Stage;

/// Answers every request.
pub(crate) type App =
    Arc<dyn Fn(Request) -> Pin<Box<dyn Future<Output = Response> + Send>> + Send + Sync>;

pub(super) struct Shared {
    pub(super) app: App,
    pub(super) limits: Limits,
    /// New connections use the newest one.
    pub(super) tls: Option<Arc<ArcSwap<ServerConfig>>>,
    pub(super) life: watch::Receiver<Stage>,
    pub(super) requests: Arc<Semaphore>,
    pub(super) crowd: Arc<Crowd>,
    pub(super) tasks: TaskTracker,
}

impl Shared {
    pub(super) fn new(
        app: App,
        limits: Limits,
        tls: Option<Arc<ArcSwap<ServerConfig>>>,
        life: watch::Receiver<Stage>,
    ) -> Self {
        Self {
            app,
            limits,
            tls,
            life,
            requests: Arc::new(Semaphore::new(limits.requests)),
            crowd: Arc::new(Crowd::new(limits.connections)),
            tasks: TaskTracker::new(),
        }
    }
}
