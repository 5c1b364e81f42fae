//! What all connections of a server share.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::extract::Request;
use axum::response::Response;
use tokio::sync::watch;
use tokio_rustls::rustls::ServerConfig;
use tokio_util::task::TaskTracker;

use super::crowd::Crowd;
use super::limits::Limits;
use crate::life::Stage;
use crate::places::Places;
use crate::shares::{Owner, Shares};
use crate::users::Trusted;

/// How many responses may be held that have no place of --max-requests: refusals, and those to probes.
const REFUSALS: usize = 256;

/// Answers every request. One that the server refuses comes with the response.
pub(crate) type App = Arc<
    dyn Fn(Request, Option<Response>) -> Pin<Box<dyn Future<Output = Response> + Send>>
        + Send
        + Sync,
>;

pub(super) struct Shared {
    pub(super) app: App,
    pub(super) limits: Limits,
    /// New connections use the newest one.
    pub(super) tls: Option<Arc<ArcSwap<ServerConfig>>>,
    pub(super) life: watch::Receiver<Stage>,
    pub(super) trusted: Trusted,
    pub(super) requests: Arc<Places>,
    pub(super) refusals: Arc<Places>,
    pub(super) crowd: Arc<Crowd>,
    pub(super) tasks: TaskTracker,
}

impl Shared {
    pub(super) fn new(
        app: App,
        limits: Limits,
        tls: Option<Arc<ArcSwap<ServerConfig>>>,
        life: watch::Receiver<Stage>,
        trusted: Trusted,
    ) -> Self {
        let shares = |all| Shares::new(all, limits.share);
        Self {
            app,
            limits,
            tls,
            life,
            trusted,
            requests: Places::new(shares(limits.requests)),
            refusals: Places::new(shares(REFUSALS)),
            crowd: Crowd::new(shares(limits.connections)),
            tasks: TaskTracker::new(),
        }
    }

    /// Who is counted at this address. Behind a trusted proxy are many.
    pub(super) fn owner(&self, address: IpAddr) -> Option<Owner> {
        (!self.trusted.contains(address)).then(|| Owner::of(address))
    }
}
