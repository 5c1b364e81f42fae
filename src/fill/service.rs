use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Empty;
use tower::BoxError;
use tower_service::Service;

use super::answer::Asker;
use super::body::ResponseBody;
use super::common::Common;
use super::future::ResponseFuture;
use super::wanted::Wanted;
use crate::observe::{self, Answer};
use crate::reply;
use crate::target::Target;

/// A source behind a storage, made by [`FillLayer`](super::FillLayer). See the
/// [module docs](super).
///
/// The source is any `Service<Request<Empty<Bytes>>>` that can be cloned. It is asked with a
/// request of `Fill`'s own making: a method, the path of the target, `Accept-Encoding: identity`,
/// and the extensions of the client's request. What a client sent in its headers, its credentials
/// above all, stays outside, since the answer is for everyone. For the same reason a source must not
/// give different files for different extensions: they are those of whoever came first. The exception is an
/// [`Access`](crate::Access), for which files and fills are its owner's, unless the layer is
/// [shared](super::FillLayer::shared).
///
/// Always ready, and never fails: a failing source is a 502. A hit neither waits for the source
/// nor takes any of its capacity.
#[derive(Clone, Debug)]
pub struct Fill<S> {
    source: S,
    common: Arc<Common>,
}

impl<S> Fill<S> {
    pub(super) fn new(source: S, common: Arc<Common>) -> Self {
        Self { source, common }
    }

    /// The source.
    pub fn get_ref(&self) -> &S {
        &self.source
    }
}

impl<S, B, SB> Service<Request<B>> for Fill<S>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<SB>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    SB: Body<Data = Bytes> + Send + 'static,
    SB::Error: Into<BoxError>,
{
    type Response = Response<ResponseBody<SB>>;
    type Error = Infallible;
    type Future = ResponseFuture<SB>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> ResponseFuture<SB> {
        let (parts, _body) = request.into_parts();
        let target = match Target::parse(parts.uri.path()) {
            Ok(Some(target)) => target,
            Ok(None) => return refuse("not found: no path of a module proxy"),
            Err(invalid) => return refuse(&format!("not found: {invalid}")),
        };
        if parts.method != Method::GET && parts.method != Method::HEAD {
            let response = reply::method_not_allowed();
            return ResponseFuture::ready(response.map(ResponseBody::reply));
        }
        let access = match self.common.config.shared {
            true => None,
            false => parts.extensions.get().cloned(),
        };
        // What is an owner's has another key than the target alone.
        if access.is_none()
            && let Some(file) = self.common.hot.get(target.as_str())
        {
            observe::answered(Answer::Hit);
            let response = file.answer(target.resource(), &parts);
            return ResponseFuture::ready(response.map(ResponseBody::stored));
        }
        let target = target.into_owned();
        let asker = Asker {
            source: self.source.clone(),
            wanted: Wanted {
                access,
                common: Arc::clone(&self.common),
                target,
                parts,
            },
        };
        ResponseFuture::answer(asker.answer())
    }
}

fn refuse<SB>(text: &str) -> ResponseFuture<SB> {
    ResponseFuture::ready(reply::text(StatusCode::NOT_FOUND, text).map(ResponseBody::reply))
}
