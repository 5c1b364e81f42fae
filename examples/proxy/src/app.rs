//! All routes.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;

use crate::BoxError;
use crate::access_log;
use crate::current::Current;
use crate::health::Health;
use crate::metrics::page;
use crate::server::App;
use crate::users::{Users, protect};

/// What is around the modules.
pub(crate) struct Frame {
    prefix: Option<String>,
    health: Health,
    metrics: Option<PrometheusHandle>,
}

impl Frame {
    /// Below a [`prefix`], if there is one.
    pub(crate) fn new(
        prefix: Option<String>,
        health: Health,
        metrics: Option<PrometheusHandle>,
    ) -> Self {
        Self {
            prefix,
            health,
            metrics,
        }
    }

    pub(crate) fn around(&self, modules: Router, users: Option<Arc<Users>>) -> Router {
        let mut app = match &self.prefix {
            None => modules,
            Some(prefix) => Router::new()
                .nest_service(prefix, modules)
                .fallback(not_found),
        };
        if let Some(figures) = self.metrics.clone() {
            app = app.route("/metrics", get(move || async move { page(&figures) }));
        }
        if let Some(users) = users {
            app = protect(app, users);
        }
        // Outside: whoever asks needs no credentials.
        app.merge(self.health.router())
    }
}

/// What an address of its own has.
pub(crate) fn figures(health: &Health, figures: PrometheusHandle) -> Router {
    let metrics = get(move || async move { page(&figures) });
    let router = health.router().route("/metrics", metrics);
    router.fallback(not_found)
}

async fn not_found() -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store")];
    (StatusCode::NOT_FOUND, headers, "not found\n").into_response()
}

pub(crate) fn app(current: Arc<ArcSwap<Current>>) -> App {
    Arc::new(move |request, refused| {
        Box::pin(access_log::answer(current.load_full(), request, refused))
    })
}

/// A prefix as it is given to axum, where some letters have a meaning.
///
/// # Errors
///
/// It is not a plain path, or is that of something else.
pub(crate) fn prefix(prefix: &str) -> Result<Option<String>, BoxError> {
    let trimmed = prefix.trim_matches('/');
    if trimmed.is_empty() {
        return Ok(None);
    }
    let is_plain = |element: &str| {
        let letters = element.bytes();
        let mut others = letters.filter(|byte| !byte.is_ascii_alphanumeric());
        !matches!(element, "" | "." | "..") && others.all(|byte| b"-._~".contains(&byte))
    };
    if !trimmed.split('/').all(is_plain) {
        return Err(format!("--prefix {prefix}: not a plain path such as /goproxy").into());
    }
    if matches!(trimmed, "healthz" | "readyz" | "metrics") {
        return Err(format!("--prefix {prefix}: this path is reserved").into());
    }
    Ok(Some(format!("/{trimmed}")))
}
