//! Whether this server lives, and whether it is ready.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;
use tokio::time::interval;
use tracing::{info, warn};

use crate::life::Stage;
use crate::metrics::registries_away;
use crate::storage::Probe;

/// How often the storage and the registries are looked at.
const EVERY: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(crate) struct Health(Arc<Inner>);

struct Inner {
    life: watch::Receiver<Stage>,
    /// Else every request is redirected.
    stores: bool,
    has_storage: AtomicBool,
    needs_storage: bool,
    registries_away: AtomicUsize,
}

impl Health {
    /// For a server whose storage has answered, if it has one, and whose rules are loaded.
    pub(crate) fn new(
        life: watch::Receiver<Stage>,
        probe: Option<Probe>,
        needs_storage: bool,
        figures: PrometheusHandle,
    ) -> Self {
        let health = Self(Arc::new(Inner {
            life,
            stores: probe.is_some(),
            has_storage: AtomicBool::new(true),
            needs_storage,
            registries_away: AtomicUsize::new(0),
        }));
        if let Some(probe) = probe {
            tokio::spawn(health.clone().watch_storage(probe));
        }
        tokio::spawn(health.clone().watch_registries(figures));
        health
    }

    /// Strangers may ask for `/readyz`, and this is too much work for each of them.
    async fn watch_registries(self, figures: PrometheusHandle) {
        let mut ticks = interval(EVERY);
        loop {
            ticks.tick().await;
            let away = registries_away(&figures);
            self.0.registries_away.store(away, Ordering::Relaxed);
        }
    }

    async fn watch_storage(self, probe: Probe) {
        let mut ticks = interval(EVERY);
        loop {
            ticks.tick().await;
            let looked = probe.look().await;
            let up = looked.is_ok();
            ::metrics::gauge!("goproxy_storage_up").set(f64::from(u8::from(up)));
            let was_up = self.0.has_storage.swap(up, Ordering::Relaxed);
            match looked {
                Err(error) if was_up => warn!(error, "the storage cannot be reached"),
                Ok(()) if !was_up => info!("the storage can be reached again"),
                _ => {}
            }
        }
    }

    /// `/healthz` and `/readyz`, which need no user and name nothing.
    pub(crate) fn router(&self) -> Router {
        let health = self.clone();
        Router::new()
            .route("/healthz", get(|| async { plain(StatusCode::OK, "ok\n") }))
            .route("/readyz", get(move || async move { health.ready() }))
    }

    fn ready(&self) -> Response {
        let is_stopping = *self.0.life.borrow() > Stage::Running;
        let has_storage = self.0.has_storage.load(Ordering::Relaxed);
        let is_ready = !is_stopping && (has_storage || !self.0.needs_storage);
        let status = match is_ready {
            true => StatusCode::OK,
            false => StatusCode::SERVICE_UNAVAILABLE,
        };
        let state = match (is_stopping, is_ready) {
            (true, _) => "stopping",
            (false, true) => "ready",
            (false, false) => "not ready",
        };
        let storage = match (self.0.stores, has_storage) {
            (false, _) => "none",
            (true, true) => "up",
            (true, false) => "away",
        };
        let away = self.0.registries_away.load(Ordering::Relaxed);
        let text = format!("{state}\nstorage: {storage}\nregistries away: {away}\n");
        plain(status, &text)
    }
}

fn plain(status: StatusCode, text: &str) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (status, headers, text.to_owned()).into_response()
}
