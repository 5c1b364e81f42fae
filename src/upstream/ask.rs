//! One request to one registry: its headers, its redirects, the wait for its head.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, USER_AGENT,
};
use http::{Extensions, Method, Request, Response};
use http_body_util::Empty;
use hyper_util::client::legacy::connect::HttpInfo;
use tower::util::{BoxCloneService, Oneshot};
use tower::{BoxError, ServiceExt as _};
use tower_http::follow_redirect::FollowRedirect;

use super::body::Parts;
use super::config::Config;
use super::error::{Kind, Limit, UpstreamError};
use super::redirect::{Hops, Inside};
use super::registry::Registry;
use crate::source::Validators;
use crate::target::Resource;

/// A client service with its types boxed.
pub(super) type Http = BoxCloneService<Request<Empty<Bytes>>, Response<Parts>, BoxError>;

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("tower-goproxy/", env!("CARGO_PKG_VERSION")));

/// What a client asked for, as far as an upstream learns of it.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) method: Method,
    pub(super) resource: Resource,
    pub(super) path: Arc<str>,
    pub(super) extensions: Extensions,
}

/// Asks one registry for one thing, as often as need be.
#[derive(Clone)]
pub(super) struct Ask {
    pub(super) http: Http,
    pub(super) config: Arc<Config>,
    pub(super) registry: Arc<Registry>,
    pub(super) wanted: Wanted,
}

impl Ask {
    /// `If-None-Match` and `If-Modified-Since`, if the client has an answer of this very registry.
    pub(super) fn condition(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let validators = self.wanted.extensions.get::<Validators>();
        let origin = self.registry.base().origin();
        if let Some(validators) = validators.filter(|validators| validators.origin == origin) {
            let tag = (IF_NONE_MATCH, &validators.etag);
            for (name, value) in [tag, (IF_MODIFIED_SINCE, &validators.last_modified)] {
                headers.extend(value.clone().map(|value| (name, value)));
            }
        }
        headers
    }

    /// Sends the request, with `more` in its head, and returns the response behind all redirects.
    pub(super) fn send(
        &self,
        more: HeaderMap,
    ) -> impl Future<Output = Result<Response<Parts>, UpstreamError>> + Send + 'static + use<> {
        let credentials = self.registry.credentials(&self.wanted.path);
        let request = self.request(&credentials, more);
        let may_step = self.config.redirects.clone();
        let (limit, http) = (self.config.first_byte, self.http.clone());
        let registry = Arc::clone(&self.registry);
        async move {
            let request = request?;
            let inside = Inside::default();
            let secrets = credentials.keys().cloned();
            let hops = Hops::from_home(request.uri(), secrets, inside.clone(), may_step);
            let hop = tower::service_fn(move |request| {
                let answer = Oneshot::new(http.clone(), request);
                let (registry, inside) = (Arc::clone(&registry), inside.clone());
                async move {
                    let Ok(answer) = tokio::time::timeout(limit, answer).await else {
                        let timeout = Kind::Timeout(Limit::FirstByte, limit);
                        return Err(UpstreamError::new(timeout));
                    };
                    let response = answer.map_err(UpstreamError::from_client)?;
                    let info = response.extensions().get::<HttpInfo>();
                    inside.learn(info.map(|info| info.remote_addr().ip()));
                    registry.answered();
                    Ok(response)
                }
            });
            FollowRedirect::with_policy(hop, hops)
                .oneshot(request)
                .await
        }
    }

    fn request(
        &self,
        credentials: &HeaderMap,
        more: HeaderMap,
    ) -> Result<Request<Empty<Bytes>>, UpstreamError> {
        let path = &self.wanted.path;
        let mut request = Request::new(Empty::new());
        *request.method_mut() = self.wanted.method.clone();
        let uri = self.registry.base().uri(path);
        *request.uri_mut() =
            uri.ok_or_else(|| UpstreamError::new(Kind::NotModule("path is too long".into())))?;
        *request.extensions_mut() = self.wanted.extensions.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, AGENT);
        headers.extend(credentials.clone());
        // The bytes are hashed and stored as they are.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.extend(more);
        Ok(request)
    }
}
