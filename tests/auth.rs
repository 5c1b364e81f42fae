//! Layers outside: what auth refuses reaches neither storage nor source, and the usual layers of
//! tower-http fit around.
#![cfg(all(feature = "fill", feature = "upstream"))]
// The shape of tower-http's closures.
#![allow(clippy::result_large_err)]

#[path = "support/recorder.rs"]
mod recorder;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::middleware::{self, Next};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use object_store::ObjectStore as _;
use object_store::memory::InMemory;
use tower::{Layer as _, Service, ServiceBuilder, ServiceExt as _};
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer};
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;
use tower_goproxy::source::Area;
use tower_goproxy::source::Tasks;
use tower_http::auth::AsyncRequireAuthorizationLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::decompression::DecompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tower_http::validate_request::ValidateRequestHeaderLayer;

use recorder::Recorder;

const GO_MOD: &str = "module example.com/m\n";
const SECRET: &str = "Basic c2VjcmV0";

/// What is behind the auth layer.
struct Proxy {
    source: Recorder,
    inner: Recorder,
    store: Arc<InMemory>,
    layer: FilterLayer<Fill<Recorder>>,
    fills: Tasks,
}

impl Proxy {
    fn new() -> Self {
        let source = Recorder::saying(GO_MOD);
        let store = Arc::new(InMemory::new());
        let fill = FillLayer::new(Storage::new(Arc::clone(&store))).area(Area::Included);
        let rules = Rules::parse("+\nD corp.example\n- example.com/evil").unwrap();
        Self {
            fills: fill.fills(),
            layer: FilterLayer::new(rules, fill.layer(source.clone())),
            source,
            inner: Recorder::saying("from the inner service"),
            store,
        }
    }

    async fn stored(&self) -> Vec<String> {
        self.fills.idle().await;
        let files = self.store.list(None).map_ok(|file| file.location.into());
        files.try_collect().await.unwrap()
    }

    /// `app` is this proxy behind a layer that wants [`SECRET`].
    async fn is_behind_auth<S, B>(&self, app: S)
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone,
        B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
    {
        const MISSING: &str = "/example.com/m/@v/v1.0.0.mod";
        let everything = [
            MISSING,
            "/example.com/m/@v/list",
            "/corp.example/m/@v/v1.0.0.mod",
            "/example.com/evil/@latest",
            "/example.com/../m/@latest",
            "/healthz",
        ];
        for uri in everything {
            assert_eq!(
                ask(&app, uri, None).await.0,
                StatusCode::UNAUTHORIZED,
                "{uri}"
            );
        }
        assert!(self.source.is_untouched() && self.inner.is_untouched());
        assert!(self.stored().await.is_empty());

        let (status, headers, body) = ask(&app, MISSING, Some(SECRET)).await;
        assert_eq!((status, body.as_str()), (StatusCode::OK, GO_MOD));
        assert_eq!(headers["cache-status"], "tower-goproxy; fwd=miss; stored");
        assert_eq!(self.stored().await, ["example.com/m/@v/v1.0.0.mod"]);

        // A stored file is no less guarded.
        for uri in everything {
            let (status, headers, body) = ask(&app, uri, None).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{uri}");
            assert_eq!(
                (headers.get("cache-status"), headers.get("etag")),
                (None, None)
            );
            assert_eq!(body, "");
        }
        let (_, headers, body) = ask(&app, MISSING, Some(SECRET)).await;
        assert_eq!(headers["cache-status"], "tower-goproxy; hit");
        assert_eq!(body, GO_MOD);

        let asked = self.source.seen();
        assert_eq!(asked.len(), 1);
        assert_eq!(
            asked[0].headers.get("authorization"),
            None,
            "it is the client's"
        );
        assert!(self.inner.is_untouched());
    }
}

async fn ask<S, B>(app: &S, uri: &str, auth: Option<&str>) -> (StatusCode, HeaderMap, String)
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    let mut request = Request::get(uri);
    if let Some(auth) = auth {
        request = request.header("authorization", auth);
    }
    let request = request.body(Body::empty()).unwrap();
    let Ok(response) = app.clone().oneshot(request).await;
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (
        head.status,
        head.headers,
        String::from_utf8(body.into()).unwrap(),
    )
}

fn is_let_in(headers: &HeaderMap) -> bool {
    headers
        .get("authorization")
        .is_some_and(|given| given == SECRET)
}

fn unauthorized<B: Default>() -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response
}

#[tokio::test]
async fn axum_middleware() {
    async fn auth(request: axum::extract::Request, next: Next) -> Response<Body> {
        match is_let_in(request.headers()) {
            true => next.run(request).await,
            false => unauthorized(),
        }
    }
    let proxy = Proxy::new();
    let app = Router::new()
        .fallback_service(proxy.inner.clone())
        .layer(proxy.layer.clone())
        .layer(middleware::from_fn(auth));
    proxy.is_behind_auth(app).await;
}

#[tokio::test]
async fn validate_request_header_in_a_bare_service_builder() {
    let proxy = Proxy::new();
    let app = ServiceBuilder::new()
        .layer(ValidateRequestHeaderLayer::custom(
            |request: &mut Request<Body>| match is_let_in(request.headers()) {
                true => Ok(()),
                false => Err(unauthorized()),
            },
        ))
        .layer(proxy.layer.clone())
        .service(proxy.inner.clone());
    proxy.is_behind_auth(app).await;
}

#[tokio::test]
async fn async_require_authorization_in_a_bare_service_builder() {
    let proxy = Proxy::new();
    let app = ServiceBuilder::new()
        .layer(AsyncRequireAuthorizationLayer::new(
            |request: Request<Body>| async move {
                match is_let_in(request.headers()) {
                    true => Ok(request),
                    false => Err(unauthorized()),
                }
            },
        ))
        .layer(proxy.layer.clone())
        .service(proxy.inner.clone());
    proxy.is_behind_auth(app).await;
}

#[tokio::test]
async fn validate_request_header_between_filter_and_fill() {
    // Only what is included is behind it.
    let proxy = Proxy::new();
    let include = ServiceBuilder::new()
        .layer(ValidateRequestHeaderLayer::custom(
            |request: &mut Request<Empty<Bytes>>| match is_let_in(request.headers()) {
                true => Ok(()),
                false => Err(unauthorized()),
            },
        ))
        .layer(FillLayer::new(Storage::memory()).area(Area::Included))
        .service(proxy.source.clone());
    let app = FilterLayer::new(Rules::parse("+\nD corp.example").unwrap(), include)
        .layer(proxy.inner.clone());
    let included = "/example.com/m/@v/v1.0.0.mod";
    assert_eq!(ask(&app, included, None).await.0, StatusCode::UNAUTHORIZED);
    assert!(proxy.source.is_untouched());
    assert_eq!(ask(&app, included, Some(SECRET)).await.2, GO_MOD);
    let direct = ask(&app, "/corp.example/m/@v/v1.0.0.mod", None).await;
    assert_eq!(direct.2, "from the inner service");
}

#[tokio::test]
async fn the_usual_layers_fit_around_in_a_bare_service_builder() {
    let proxy = Proxy::new();
    let app = ServiceBuilder::new()
        .layer(CatchPanicLayer::new())
        .layer(SetSensitiveRequestHeadersLayer::new([
            http::header::AUTHORIZATION,
        ]))
        .layer(TraceLayer::new_for_http())
        .layer(DecompressionLayer::new())
        .layer(CompressionLayer::new())
        .layer(NormalizePathLayer::trim_trailing_slash())
        .layer(RequestBodyLimitLayer::new(1024))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            Duration::from_secs(3600),
        ))
        .layer(proxy.layer.clone())
        .service(proxy.inner.clone());
    works(&proxy, app).await;
}

#[tokio::test]
async fn the_usual_layers_fit_around_in_axum() {
    let proxy = Proxy::new();
    let app = Router::new()
        .fallback_service(proxy.inner.clone())
        .layer(proxy.layer.clone())
        .layer(
            ServiceBuilder::new()
                .layer(TraceLayer::new_for_http())
                .layer(SetResponseHeaderLayer::if_not_present(
                    http::header::SERVER,
                    http::HeaderValue::from_static("modules"),
                ))
                .layer(TimeoutLayer::with_status_code(
                    StatusCode::GATEWAY_TIMEOUT,
                    Duration::from_secs(3600),
                ))
                .layer(CompressionLayer::new()),
        );
    let app = DecompressionLayer::new().layer(app);
    works(&proxy, app).await;
}

/// Whole answers of all kinds come through, and the file is stored.
async fn works<S, B>(proxy: &Proxy, app: S)
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body::Body<Data = Bytes, Error: std::fmt::Debug>,
{
    for (uri, status, text) in [
        ("/example.com/m/@v/v1.0.0.mod", StatusCode::OK, GO_MOD),
        (
            "/corp.example/m/@v/v1.0.0.mod",
            StatusCode::OK,
            "from the inner service",
        ),
        (
            "/example.com/evil/@latest",
            StatusCode::FORBIDDEN,
            "example.com/evil is excluded by the rules of this proxy\n",
        ),
    ] {
        let (got, _, body) = ask(&app, uri, None).await;
        assert_eq!((got, body.as_str()), (status, text), "{uri}");
    }
    assert_eq!(proxy.stored().await, ["example.com/m/@v/v1.0.0.mod"]);
    let (_, headers, body) = ask(&app, "/example.com/m/@v/v1.0.0.mod", None).await;
    assert_eq!(headers["cache-status"], "tower-goproxy; hit");
    assert_eq!(body, GO_MOD);
    assert_eq!(proxy.source.seen()[0].method, Method::GET);
}
