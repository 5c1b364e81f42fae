use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::{BodyExt, Empty};
use tower::{BoxError, ServiceExt};
use tower_service::Service;

use super::ask::Inner;
use super::asked::Asked;
use super::question::Question;
use super::shared::Shared;
use crate::cached_only::{is_cached_only, make_cached_only};
use crate::layer_body::LayerBody;
use crate::source::{self, Area, HasArea};
use crate::target::Target;

/// The future of [`Fresh`].
///
/// Dropped early, a question that has reached the source goes on, and its answer is kept.
pub type ResponseFuture<B> = source::ResponseFuture<LayerBody<B>>;

/// Keeps the answers that change, made by [`FreshLayer`](super::FreshLayer). See the [module docs](super).
///
/// It is always ready. What it wraps gets requests without a body: those of clients for files, and for the rest requests of
/// its own, with a path and the extensions of the client that was first.
#[derive(Clone)]
pub struct Fresh<S> {
    pub(super) inner: S,
    pub(super) area: Area,
    pub(super) shared: Arc<Shared>,
}

impl<S> Fresh<S> {
    /// What is wrapped.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// What is wrapped, to be changed.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// What is wrapped, alone.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S> HasArea for Fresh<S> {
    fn area(&self) -> Area {
        self.area
    }
}

impl<S: fmt::Debug> fmt::Debug for Fresh<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fresh")
            .field("inner", &self.inner)
            .field("area", &self.area)
            .finish_non_exhaustive()
    }
}

impl<S, B, SB> Service<Request<B>> for Fresh<S>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<SB>, Error = Infallible>,
    S: Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    SB: Body<Data = Bytes> + Send + 'static,
    SB::Error: Into<BoxError>,
{
    type Response = Response<LayerBody<SB>>;
    type Error = Infallible;
    type Future = ResponseFuture<SB>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture<SB> {
        let (mut parts, _body) = request.into_parts();
        let inner = self.inner.clone();
        let is_read = [Method::GET, Method::HEAD].contains(&parts.method);
        let target = match Target::parse(parts.uri.path()) {
            Ok(Some(target)) if is_read => target.into_owned(),
            // The layer inside says what is wrong with it.
            _ => return passed(inner, Request::from_parts(parts, Empty::new())),
        };
        let is_file = target.resource().is_file();
        let stored_only = self.shared.offline || is_cached_only(&parts.headers);
        if is_file && stored_only {
            make_cached_only(&mut parts.headers);
            return passed(inner, Request::from_parts(parts, Empty::new()));
        }
        let access = match self.shared.owners_share {
            true => None,
            false => parts.extensions.get().cloned(),
        };
        let asked = Asked {
            question: Question::new(target, self.area, access),
            client: parts.clone(),
            shared: Arc::clone(&self.shared),
        };
        let boxed = {
            let inner = inner.clone();
            move || {
                let any = |response: Response<SB>| {
                    response.map(|body| body.map_err(Into::into).boxed_unsync())
                };
                Inner::new(inner.map_response(any))
            }
        };
        let known = is_file.then(|| asked.known()).flatten();
        if known.as_ref().is_some_and(|known| known.is_failure()) {
            make_cached_only(&mut parts.headers);
        }
        if !is_file {
            return source::ResponseFuture::new(async move {
                let response = match stored_only {
                    true => Box::pin(asked.stored_only()).await,
                    false => asked.changing(boxed).await,
                };
                response.map(LayerBody::own)
            });
        }
        let response = inner.oneshot(Request::from_parts(parts, Empty::new()));
        let response = Box::pin(async {
            let Ok(response) = response.await;
            response
        });
        source::ResponseFuture::new(async move { asked.file(known, response, boxed).await })
    }
}

fn passed<S, SB>(inner: S, request: Request<Empty<Bytes>>) -> ResponseFuture<SB>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<SB>, Error = Infallible> + Send + 'static,
    S::Future: Send + 'static,
    SB: 'static,
{
    source::ResponseFuture::new(async {
        let Ok(response) = inner.oneshot(request).await;
        response.map(LayerBody::inner)
    })
}
