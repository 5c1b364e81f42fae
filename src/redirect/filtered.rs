use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use pin_project_lite::pin_project;
use tower::util::Oneshot;
use tower_service::Service;

use super::service::Redirect;
use crate::layer_body::LayerBody;
use crate::reply::TextBody;

/// In the extensions of a request whose response a filter reads: a redirect would lead the client to what it excludes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadByFilter;

/// A [`Redirect`] with a source for what a filter has to read. Made by [`Redirect::filtered_from`].
///
/// The source is any `Service<Request<Empty<Bytes>>>` that can be cloned and does not fail, such as `Upstream`. It gets
/// the head of the request without the body, which a `GET` does not have.
#[derive(Clone, Debug)]
pub struct FilteredRedirect<S> {
    redirect: Redirect,
    source: S,
}

impl<S> FilteredRedirect<S> {
    pub(super) fn new(redirect: Redirect, source: S) -> Self {
        Self { redirect, source }
    }
}

impl<S, B, SB> Service<Request<B>> for FilteredRedirect<S>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<SB>, Error = Infallible> + Clone,
{
    type Response = Response<LayerBody<SB>>;
    type Error = Infallible;
    type Future = ResponseFuture<S>;

    /// Always ready: a redirect does not wait for the source.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let state = match request.extensions().get::<ReadByFilter>() {
            Some(ReadByFilter) => State::Asked {
                response: Oneshot::new(self.source.clone(), request.map(|_| Empty::new())),
            },
            None => State::Redirected {
                response: Some(self.redirect.respond(&request)),
            },
        };
        ResponseFuture { state }
    }
}

pin_project! {
    /// The response future of a [`FilteredRedirect`].
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<S>
    where
        S: Service<Request<Empty<Bytes>>>,
    {
        #[pin]
        state: State<S>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<S>
    where
        S: Service<Request<Empty<Bytes>>>,
    {
        Redirected { response: Option<Response<TextBody>> },
        Asked { #[pin] response: Oneshot<S, Request<Empty<Bytes>>> },
    }
}

impl<S, SB> Future for ResponseFuture<S>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<SB>, Error = Infallible>,
{
    type Output = Result<Response<LayerBody<SB>>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project().state.project() {
            StateProj::Redirected { response } => {
                let response = response
                    .take()
                    .expect("a future is polled until it is ready");
                response.map(|TextBody(body)| LayerBody::own(body))
            }
            StateProj::Asked { response } => {
                let Ok(response) = ready!(response.poll(cx));
                response.map(LayerBody::inner)
            }
        }))
    }
}

impl<S: Service<Request<Empty<Bytes>>>> fmt::Debug for ResponseFuture<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
