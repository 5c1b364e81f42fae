//! Which service answers a request for a module, composed of the crate's layers.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tower_goproxy::fill::OnMiss;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::fresh::CachedOnlyLayer;
use tower_goproxy::source::Tasks;
use tower_goproxy::sumdb::{SumDb, SumDbLayer};
use tower_goproxy::upstream::Client;
use tower_goproxy::{GoGet, Redirect, SharedCaches, Target};

use crate::BoxError;
use crate::direct::Direct;
use crate::miss::Miss;
use crate::registry::{Patterns, Registry, UpstreamArgs};
use crate::rules::FileRules;
use crate::stored::Stored;

/// What stays as it is while the server runs.
#[derive(Debug)]
pub(crate) struct Modules {
    pub(crate) client: Client,
    pub(crate) upstream: UpstreamArgs,
    /// For modules that no other registry is for.
    pub(crate) default: Registry,
    pub(crate) registries: Vec<(Patterns, Registry)>,
    pub(crate) direct: Direct,
    pub(crate) direct_stored: Option<Stored>,
    /// Where some direct modules come from instead.
    pub(crate) directs: Vec<(Patterns, GoGet, Option<Stored>)>,
    /// Whether rules can say that a module is direct.
    pub(crate) has_rules: bool,
    /// The checksum databases that clients reach through this server.
    pub(crate) sumdbs: Vec<SumDb>,
    pub(crate) shared_caches: SharedCaches,
}

impl Modules {
    /// The services, with all credentials read anew.
    ///
    /// # Errors
    ///
    /// A file of credentials cannot be read.
    pub(crate) fn router(&self, rules: Arc<FileRules>) -> Result<Router, BoxError> {
        let mut include = self.included(&self.default)?;
        // From the last to the first, which is asked first.
        for (patterns, registry) in self.registries.iter().rev() {
            let choose = FilterLayer::new(patterns.clone(), self.included(registry)?);
            // Which registry a module comes from is no matter of who asks.
            include = include.layer(choose.shared_caches(SharedCaches::Allowed));
        }
        let filter = FilterLayer::new(rules, include)
            .shared_caches(self.shared_caches)
            .with_applied_rules();
        let modules = self.inner().layer(filter);
        let modules = modules.layer(SumDbLayer::new(self.sumdbs.clone()));
        Ok(modules.layer(CachedOnlyLayer::new()))
    }

    /// What runs behind responses, besides fills.
    pub(crate) fn refreshes(&self) -> Vec<Tasks> {
        let registries = self.registries.iter().map(|(_, registry)| registry);
        let registries = registries.chain([&self.default]);
        let directs = self.directs.iter().map(|(.., stored)| stored);
        let all = registries.map(|registry| &registry.stored);
        let all = all.chain(directs).chain([&self.direct_stored]);
        all.flatten().map(Stored::refreshes).collect()
    }

    /// All that run commands.
    pub(crate) fn gogets(&self) -> Vec<GoGet> {
        let others = self.directs.iter().map(|(_, goget, _)| goget);
        self.direct
            .goget()
            .into_iter()
            .chain(others)
            .cloned()
            .collect()
    }

    /// The files that credentials of registries come from.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        let registries = self.registries.iter().map(|(_, registry)| registry);
        registries.chain([&self.default]).filter_map(Registry::file)
    }

    fn included(&self, registry: &Registry) -> Result<Router, BoxError> {
        let source = registry.upstream(&self.upstream, &self.client, self.direct.goget())?;
        let Some(stored) = &registry.stored else {
            let redirect = Redirect::to(&registry.list)?.filtered_from(source);
            return Ok(Router::new().fallback_service(redirect));
        };
        let on_miss = match registry.on_miss {
            Miss::Stream => OnMiss::Stream,
            Miss::Wait => OnMiss::Wait,
            Miss::Redirect => OnMiss::redirect(&registry.list)?,
            Miss::NotFound => OnMiss::NotFound,
        };
        let source = stored.same_commit(source);
        Ok(Router::new().fallback_service(stored.around(source, on_miss)))
    }

    /// What the rules leave to version control, and every other path.
    fn inner(&self) -> Router {
        let reason = match &self.direct {
            Direct::Unwanted => None,
            Direct::Missing(reason) => Some(Arc::from(reason.as_str())),
            Direct::Ready(goget) if self.has_rules => {
                let mut direct = self.direct(goget, self.direct_stored.as_ref());
                for (patterns, goget, stored) in self.directs.iter().rev() {
                    let service = self.direct(goget, stored.as_ref());
                    let choose = FilterLayer::new(patterns.clone(), service);
                    direct = direct.layer(choose.shared_caches(SharedCaches::Allowed));
                }
                return direct;
            }
            // What rules call direct is not what a list does.
            Direct::Ready(_) => None,
        };
        Router::new().fallback(not_here).with_state(reason)
    }

    fn direct(&self, goget: &GoGet, stored: Option<&Stored>) -> Router {
        let goget = goget.clone();
        let Some(stored) = stored else {
            return Router::new().fallback_service(goget);
        };
        let on_miss = match self.default.on_miss {
            // The upstream does not have them, nor should it learn their names.
            Miss::Redirect | Miss::Stream => OnMiss::Stream,
            Miss::Wait => OnMiss::Wait,
            Miss::NotFound => OnMiss::NotFound,
        };
        Router::new().fallback_service(stored.around(goget, on_miss))
    }
}

/// A 404 would send the go command on, with the name of a private module, to the next proxy of its list.
async fn not_here(State(reason): State<Option<Arc<str>>>, request: Request) -> Response {
    let is_module = matches!(Target::parse(request.uri().path()), Ok(Some(_)));
    let (status, text) = match reason {
        Some(reason) if is_module => (StatusCode::BAD_GATEWAY, format!("bad gateway: {reason}\n")),
        _ => (StatusCode::NOT_FOUND, "not found\n".to_owned()),
    };
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}
