//! One request to one registry: its headers, its redirects, the wait for its head.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use http::{Extensions, Method, Request, Response};
use http_body_util::Empty;
use tower::util::Oneshot;
use tower::{BoxError, ServiceExt as _};
use tower_http::follow_redirect::FollowRedirect;
use tower_service::Service;

use super::base::Base;
use super::config::Config;
use super::error::{Kind, Limit, UpstreamError};
use super::redirect::Hops;
use crate::target::resource::Resource;

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("tower-goproxy/", env!("CARGO_PKG_VERSION")));

/// What a client asked for, as far as an upstream learns of it.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) method: Method,
    pub(super) resource: Resource,
    pub(super) path: String,
    pub(super) extensions: Extensions,
}

/// Asks one registry for one thing, as often as need be.
#[derive(Clone, Debug)]
pub(super) struct Ask<C> {
    pub(super) client: C,
    pub(super) config: Arc<Config>,
    pub(super) base: Arc<Base>,
    pub(super) wanted: Wanted,
}

impl<C> Ask<C> {
    /// Sends the request, with `more` in its head, and returns the response behind all redirects.
    pub(super) fn send<B>(
        &self,
        more: HeaderMap,
    ) -> impl Future<Output = Result<Response<B>, UpstreamError>> + Send + 'static + use<B, C>
    where
        C: Service<Request<Empty<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send + 'static,
        B: Send + 'static,
    {
        let request = self.request(more);
        let limit = self.config.first_byte;
        let client = self.client.clone();
        let names: Vec<HeaderName> = self.config.headers.keys().cloned().collect();
        async move {
            let request = request?;
            let home = request.uri().host().unwrap_or_default();
            let hops = Hops::from_home(home, names.into_iter());
            let hop = tower::service_fn(move |request| {
                let answer = Oneshot::new(client.clone(), request);
                async move {
                    match tokio::time::timeout(limit, answer).await {
                        Ok(answer) => {
                            answer.map_err(|error| UpstreamError::from_client(error.into()))
                        }
                        Err(_) => Err(UpstreamError::new(Kind::Timeout(Limit::FirstByte, limit))),
                    }
                }
            });
            FollowRedirect::with_policy(hop, hops)
                .oneshot(request)
                .await
        }
    }

    fn request(&self, more: HeaderMap) -> Result<Request<Empty<Bytes>>, UpstreamError> {
        let path = &self.wanted.path;
        let mut request = Request::new(Empty::new());
        *request.method_mut() = self.wanted.method.clone();
        *request.uri_mut() = self
            .base
            .uri(path)
            .ok_or_else(|| UpstreamError::new(Kind::NotModule("path is too long".into())))?;
        *request.extensions_mut() = self.wanted.extensions.clone();
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, AGENT);
        if let Some(netrc) = &self.config.netrc
            && self.base.is_secure()
            && let Some(credentials) = netrc.find(&self.base.machine(path))
        {
            headers.insert(AUTHORIZATION, credentials.clone());
        }
        for (name, value) in &self.config.headers {
            headers.insert(name, value.clone());
        }
        if let Some(credentials) = self.base.authorization() {
            headers.insert(AUTHORIZATION, credentials.clone());
        }
        // The bytes are hashed and stored as they are.
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        headers.extend(more);
        Ok(request)
    }
}
