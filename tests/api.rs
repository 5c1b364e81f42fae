//! What the types promise, shown by the compiler.
#![cfg(all(feature = "fill", feature = "upstream", feature = "go-get"))]

use std::convert::Infallible;
use std::fmt::{Debug, Display};
use std::io;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower::util::{BoxCloneService, BoxCloneSyncService};
use tower::{Layer, Service, ServiceBuilder, ServiceExt as _};
use tower_goproxy::access::{Credentials, Identity};
use tower_goproxy::check::{Check, Checking};
use tower_goproxy::fill::{self, Fill, FillLayer, OnDisconnect, OnMiss};
use tower_goproxy::filter::{self, AppliedRule, Filter, FilterLayer};
use tower_goproxy::goget::{
    self, GoGetBody, GoGetError, InvalidCredentials, InvalidSettings, Settings,
};
use tower_goproxy::module::{ModulePath, Version};
use tower_goproxy::policy::{ParseRulesError, Policy, PolicyFn, ReadRulesError, Rule, Rules};
use tower_goproxy::redirect::{FilteredRedirect, InvalidBase};
use tower_goproxy::source::Area;
use tower_goproxy::source::Tasks;
use tower_goproxy::upstream::{self, Client, InvalidUpstream, UpstreamBody, UpstreamError};
use tower_goproxy::{
    Access, GoGet, InvalidTarget, NotFound, Redirect, Resource, SharedCaches, Storage, Target,
    TextBody, Upstream,
};

type Inner = BoxCloneSyncService<Request<Body>, Response<Full<Bytes>>, io::Error>;
type Include = Fill<Upstream>;

fn shared<T: Send + Sync + 'static>() {}
fn sent<T: Send + 'static>() {}
fn shown<T: Debug>() {}
fn unpinned<T: Unpin>() {}

/// Has no bounds of its own to offer: neither `Default`, `Debug` nor `Clone`.
struct Opaque;

#[test]
fn layers_and_services_can_be_cloned_sent_and_shared() {
    fn all<T: Clone + Send + Sync + Debug + 'static>() {}
    all::<FilterLayer<Redirect>>();
    all::<FilterLayer<Include>>();
    all::<Filter<Redirect, Include>>();
    all::<FillLayer>();
    all::<Fill<Upstream>>();
    all::<Fill<Redirect>>();
    all::<Redirect>();
    all::<FilteredRedirect<Upstream>>();
    all::<NotFound>();
    all::<SharedCaches>();
    all::<Identity>();
    all::<Upstream>();
    all::<Client>();
    all::<GoGet>();
    all::<Access>();
    all::<Credentials>();
    all::<Fill<GoGet>>();
    all::<Settings>();
    all::<Storage>();
    all::<Tasks>();
    all::<OnMiss>();
    all::<OnDisconnect>();
    all::<AppliedRule>();
    all::<Rule>();
    all::<Target<'static>>();
    all::<Resource>();
    all::<ModulePath<'static>>();
    all::<Version<'static>>();
    shared::<Rules>();
    shown::<Rules>();
    sent::<Check>();
    shown::<Check>();
    sent::<Checking>();
    shown::<Checking>();
}

#[test]
fn a_layer_can_be_cloned_though_its_policy_cannot() {
    struct NotClone;
    impl Policy for NotClone {
        fn rule(&self, _: &Target<'_>, _: &http::request::Parts) -> Rule {
            Rule::include()
        }
    }
    let layer = FilterLayer::new(NotClone, NotFound);
    let _ = layer.clone().layer(NotFound).clone();
}

#[test]
fn bodies_are_default_debug_and_sent_without_bounds_on_what_is_inside() {
    fn body<T: Default + Debug + Send + 'static>() {}
    body::<filter::ResponseBody<Opaque, Opaque>>();
    body::<tower_goproxy::LayerBody<Opaque>>();
    body::<fill::ResponseBody>();
    body::<filter::ResponseBody<Body, fill::ResponseBody>>();
    body::<TextBody>();
    body::<UpstreamBody>();
    body::<GoGetBody>();
}

#[test]
fn bodies_are_bodies() {
    fn body<T: http_body::Body<Data = Bytes, Error: Into<tower::BoxError>> + Send + 'static>() {}
    body::<filter::ResponseBody<Full<Bytes>, TextBody>>();
    body::<tower_goproxy::LayerBody<UpstreamBody>>();
    body::<fill::ResponseBody>();
    body::<GoGetBody>();
    body::<UpstreamBody>();
    body::<TextBody>();
}

#[test]
fn futures_are_sent_and_shown() {
    fn future<T: Future + Send + Debug + 'static>() {}
    future::<<Filter<Inner, Include> as Service<Request<Body>>>::Future>();
    future::<<Include as Service<Request<Body>>>::Future>();
    future::<<Upstream as Service<Request<Body>>>::Future>();
    future::<<GoGet as Service<Request<Body>>>::Future>();
    future::<<Redirect as Service<Request<Body>>>::Future>();
    future::<<FilteredRedirect<Upstream> as Service<Request<Body>>>::Future>();
    shown::<fill::ResponseFuture>();
    unpinned::<fill::ResponseFuture>();
    shown::<upstream::ResponseFuture>();
    shown::<goget::ResponseFuture>();
}

#[test]
fn a_filter_keeps_the_inner_error_and_leaf_services_have_none() {
    fn fails_with<S: Service<Request<Body>, Error = E>, E>() {}
    fails_with::<Filter<Inner, Include>, io::Error>();
    fails_with::<Filter<Redirect, Include>, Infallible>();
    fails_with::<Fill<Upstream>, Infallible>();
    fails_with::<Upstream, Infallible>();
    fails_with::<GoGet, Infallible>();
    fails_with::<Fill<GoGet>, Infallible>();
    fails_with::<Redirect, Infallible>();
    fails_with::<FilteredRedirect<Upstream>, Infallible>();
    fails_with::<NotFound, Infallible>();
    // A source may fail; the fill does not.
    type Failing =
        BoxCloneService<Request<http_body_util::Empty<Bytes>>, Response<Body>, io::Error>;
    fails_with::<Fill<Failing>, Infallible>();
}

#[test]
fn leaf_services_take_any_body_of_a_request() {
    fn takes<S: Service<Request<B>>, B>() {}
    takes::<Fill<Upstream>, Opaque>();
    takes::<Upstream, Opaque>();
    takes::<GoGet, Opaque>();
    takes::<Redirect, Opaque>();
    takes::<FilteredRedirect<Upstream>, Opaque>();
    takes::<NotFound, Opaque>();
    takes::<Filter<Redirect, Include>, Opaque>();
    takes::<Filter<Redirect, Include>, hyper::body::Incoming>();
}

#[test]
fn errors_are_errors_and_tell_their_cause() {
    fn error<T: std::error::Error + Display + Send + Sync + 'static>() {}
    error::<InvalidTarget>();
    error::<filter::InvalidExcludeStatus>();
    error::<InvalidBase>();
    error::<ParseRulesError>();
    error::<ReadRulesError>();
    error::<InvalidUpstream>();
    error::<UpstreamError>();
    error::<GoGetError>();
    error::<InvalidSettings>();
    error::<InvalidCredentials>();
    error::<tower_goproxy::module::InvalidPath>();
    error::<tower_goproxy::module::InvalidVersion>();
    // For `?` in a main function.
    fn from<T: Into<Box<dyn std::error::Error + Send + Sync>>>() {}
    from::<UpstreamError>();
}

#[test]
fn a_layer_is_one_for_any_service() {
    fn layer<L: Layer<Opaque> + Layer<Inner>>() {}
    layer::<FillLayer<Area>>();
    layer::<FilterLayer<Redirect>>();
}

#[test]
fn a_policy_can_be_shared_and_boxed() {
    fn policy<T: Policy>() {}
    policy::<std::sync::Arc<Rules>>();
    policy::<std::sync::Arc<dyn Policy>>();
    policy::<Box<dyn Policy>>();
    policy::<&dyn Policy>();
    policy::<PolicyFn<fn(&Target<'_>, &http::request::Parts) -> Rule>>();
}

#[tokio::test]
async fn an_axum_router_takes_the_layer_with_a_fill_from_an_upstream() {
    let upstream = Upstream::new("file:///nowhere").unwrap();
    let include = FillLayer::new(Storage::memory()).layer(upstream.clone());
    let app: Router = Router::new()
        .route("/healthz", axum::routing::get(|| async { "ok" }))
        .layer(FilterLayer::new(Rules::default(), include))
        .layer(FilterLayer::new(Rules::default(), upstream))
        .layer(FilterLayer::new(Rules::default(), Router::new()));
    let request = Request::get("/healthz").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status(), 200);
}

#[tokio::test]
async fn services_can_be_boxed_and_put_behind_others() {
    let upstream = Upstream::new("file:///nowhere").unwrap();
    let include = ServiceBuilder::new()
        .layer(FillLayer::new(Storage::memory()).area(Area::Included))
        .concurrency_limit(8)
        .service(upstream);
    let app = ServiceBuilder::new()
        .boxed_clone()
        .layer(FilterLayer::new(Rules::default(), include))
        .service(Redirect::to("https://proxy.example").unwrap());
    sent::<BoxCloneService<Request<Body>, (), ()>>();
    let request = Request::get("/healthz").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status(), 303);
}
