//! Whole proxies: rules, the fill of a [`Setup`], and an inner service.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::StatusCode;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use hyper::body::Incoming;
use tower::Layer as _;
use tower::util::BoxCloneSyncService;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;

use crate::proxy::Setup;
use crate::support::{Requests, Server, Tree, static_files};

/// `user:pass`
const CREDENTIALS: &str = "Basic dXNlcjpwYXNz";

/// Where direct modules come from: files, with no server in between.
pub(crate) struct Private {
    pub(crate) requests: Requests,
    tree: Tree,
}

impl Private {
    pub(crate) fn new(tree: Tree) -> Self {
        let requests = Requests::new();
        Self { requests, tree }
    }
}

type App<B> = BoxCloneSyncService<Request<Incoming>, Response<B>, Infallible>;

/// An axum app behind basic auth.
pub(crate) fn axum_with_auth(setup: &Setup, rules: &str, private: &Private) -> App<Body> {
    let rules = Rules::parse(rules).unwrap();
    let app = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .fallback_service(static_files(private.tree.root(), &private.requests))
        .layer(FilterLayer::new(rules, setup.fill.clone()))
        .layer(middleware::from_fn(auth));
    setup.answers.of(app)
}

/// No more than the filter, for a bare hyper server.
pub(crate) fn bare_hyper(
    setup: &Setup,
    rules: &str,
    private: &Private,
) -> App<impl http_body::Body<Data = bytes::Bytes, Error = tower::BoxError> + Send + use<>> {
    let rules = Rules::parse(rules).unwrap();
    let inner = static_files(private.tree.root(), &private.requests);
    let app = FilterLayer::new(rules, setup.fill.clone()).layer(inner);
    setup.answers.of(app)
}

pub(crate) async fn auth(request: Request, next: Next) -> Response {
    match request.headers().get(AUTHORIZATION) {
        Some(given) if given == CREDENTIALS => next.run(request).await,
        _ => {
            let ask = [(WWW_AUTHENTICATE, "Basic realm=\"modules\"")];
            (StatusCode::UNAUTHORIZED, ask, "who are you?\n").into_response()
        }
    }
}

/// What a user of [`axum_with_auth`] has in the netrc file.
pub(crate) fn netrc(server: &Server) -> String {
    format!("machine {} login user password pass\n", server.address())
}
