use std::convert::Infallible;
use std::fmt;
use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty};
use tower::util::BoxCloneService;
use tower::{BoxError, ServiceExt};
use tower_service::Service;

use super::body::ResponseBody;
use super::request::Asked;
use super::shared::Shared;
use crate::reply;
use crate::source::{self, Area, HasArea};
use crate::target::Target;

/// Any source with any body. The two boxes are cheap beside a miss.
pub(super) type Source = BoxCloneService<Request<Empty<Bytes>>, Response<SourceBody>, BoxError>;
pub(super) type SourceBody = UnsyncBoxBody<Bytes, BoxError>;

/// A source behind a storage, made by [`FillLayer`](super::FillLayer). See the
/// [module docs](super).
///
/// The source is any `Service<Request<Empty<Bytes>>>` that can be cloned. `Fill` sends it a request of its own: a method,
/// the path of the target, `Accept-Encoding: identity`, and the extensions of the client's request. No client header is
/// forwarded, and no credentials, because the response is for everyone. For the same reason a source must not return
/// different files for different extensions: they are those of the first request. The exception is an
/// [`Access`](crate::Access): files and fills then belong to its owner, unless the layer is
/// [shared](super::FillLayer::shared).
///
/// It is always ready and never fails: if the source fails, the response is a 502. A hit neither waits for the source nor
/// takes any of its capacity.
#[derive(Clone)]
pub struct Fill<S> {
    pub(super) source: S,
    pub(super) area: Area,
    pub(super) shared: Arc<Shared>,
}

impl<S> Fill<S> {
    /// The source.
    pub fn get_ref(&self) -> &S {
        &self.source
    }

    /// The source, mutably.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// Returns the source.
    pub fn into_inner(self) -> S {
        self.source
    }
}

impl<S: fmt::Debug> fmt::Debug for Fill<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fill")
            .field("source", &self.source)
            .field("area", &self.area)
            .finish_non_exhaustive()
    }
}

impl<S> HasArea for Fill<S> {
    fn area(&self) -> Area {
        self.area
    }
}

impl<S, B, SB> Service<Request<B>> for Fill<S>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<SB>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    SB: Body<Data = Bytes> + Send + 'static,
    SB::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody>;
    type Error = Infallible;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture {
        let (parts, _body) = request.into_parts();
        let target = match Target::parse(parts.uri.path()) {
            Ok(Some(target)) => target.into_owned(),
            Ok(None) => return refuse("not found: not a path of a module proxy"),
            Err(invalid) => return refuse(&format!("not found: {invalid}")),
        };
        if parts.method != Method::GET && parts.method != Method::HEAD {
            let response = reply::method_not_allowed().map(ResponseBody::whole);
            return ResponseFuture::new(ready(response));
        }
        let access = match self.shared.owners_share {
            true => None,
            false => parts.extensions.get().cloned(),
        };
        let asked = Asked {
            shared: Arc::clone(&self.shared),
            target,
            parts,
            access,
            area: self.area,
        };
        let source = self.source.clone();
        let source = move || {
            let any = |response: Response<SB>| {
                response.map(|body| body.map_err(Into::into).boxed_unsync())
            };
            Source::new(source.map_err(Into::into).map_response(any))
        };
        ResponseFuture::new(asked.answer(source))
    }
}

fn refuse(text: &str) -> ResponseFuture {
    let response = reply::text(StatusCode::NOT_FOUND, text).map(ResponseBody::whole);
    ResponseFuture::new(ready(response))
}

/// The response future of a [`Fill`](super::Fill).
///
/// # Cancel safety
///
/// Dropping it counts as a client that disconnects: a running fill continues or stops as
/// [`OnDisconnect`](super::OnDisconnect) says.
pub type ResponseFuture = source::ResponseFuture<ResponseBody>;
