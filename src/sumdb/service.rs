use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{BoxFuture, Either};
use futures_util::{FutureExt, TryFutureExt};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use percent_encoding::percent_decode_str;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::fault::Fault;
use super::http::By;
use super::settings::SumDb;
use super::tile::Tile;
use crate::layer_body::LayerBody;
use crate::module::{ModulePath, Version};
use crate::reply;

const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Answers for checksum databases, made by [`SumDbLayer`](super::SumDbLayer).
#[derive(Clone, Debug)]
pub struct SumDbService<S> {
    pub(super) inner: S,
    pub(super) databases: Arc<[SumDb]>,
}

impl<S> SumDbService<S> {
    /// The database of a path, and the rest of it. No host comes from a path: other names are unknown.
    fn of(&self, path: &str) -> Option<(SumDb, String)> {
        let path = percent_decode_str(path.strip_prefix("/sumdb/")?)
            .decode_utf8()
            .ok()?;
        self.databases.iter().find_map(|sumdb| {
            let rest = path.strip_prefix(sumdb.name())?.strip_prefix('/')?;
            Some((sumdb.clone(), rest.to_owned()))
        })
    }
}

impl<S, R, B> Service<Request<R>> for SumDbService<S>
where
    S: Service<Request<R>, Response = Response<B>>,
{
    type Response = Response<LayerBody<B>>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let Some((sumdb, path)) = self.of(request.uri().path()) else {
            let answer = Either::Left(self.inner.call(request));
            return ResponseFuture { answer };
        };
        let method = request.method().clone();
        let own = async move {
            match method {
                Method::GET => answer(&sumdb, &path).await,
                Method::HEAD => answer(&sumdb, &path).await.map(|_| Full::default()),
                _ => reply::method_not_allowed(),
            }
        };
        let answer = Either::Right(own.boxed());
        ResponseFuture { answer }
    }
}

async fn answer(sumdb: &SumDb, path: &str) -> Response<Full<Bytes>> {
    let database = &sumdb.database;
    let answer = match path.split_once('/') {
        None if path == "supported" => database
            .supported()
            .await
            .map(|()| (Bytes::new(), reply::NO_STORE)),
        None if path == "latest" => match (database.latest().await, database.head().await) {
            (Err(Fault::Away(_)), Some(head)) | (Ok(head), _) => {
                Ok((head.note.into(), reply::NO_STORE))
            }
            (Err(fault), _) => Err(fault),
        },
        Some(("lookup", name)) => match module_of(name) {
            Some(module) if sumdb.excludes(&module) => {
                let text = "this proxy does not tell the checksum database of the module";
                return reply::text(StatusCode::FORBIDDEN, text);
            }
            Some(_) => look_up(sumdb, name).await,
            None => return reply::text(StatusCode::BAD_REQUEST, "malformed module@version"),
        },
        _ => match Tile::parse(path) {
            Some(tile) => database.tile(tile).map_ok(|bytes| (bytes, IMMUTABLE)).await,
            None => return reply::text(StatusCode::NOT_FOUND, "not found"),
        },
    };
    match answer {
        Ok((body, caching)) => found(body, caching),
        Err(Fault::Missing(status, text)) => reply::text(status, &String::from_utf8_lossy(&text)),
        Err(fault) => reply::text(StatusCode::BAD_GATEWAY, &fault.to_string()),
    }
}

/// A record stays right, and its tree with it.
async fn look_up(sumdb: &SumDb, name: &str) -> Result<(Bytes, HeaderValue), Fault> {
    let body = match sumdb.database.look_up(name, By::Client).await {
        Err(fault @ Fault::Away(_)) => {
            let stored = sumdb.database.stored(&format!("lookup/{name}")).await;
            stored.ok_or(fault)?
        }
        found => found?.body.clone(),
    };
    Ok((body, reply::NO_STORE))
}

/// The module of `{escaped path}@{escaped version}`.
fn module_of(name: &str) -> Option<String> {
    let (module, version) = name.split_once('@')?;
    let module = ModulePath::from_escaped(module).ok()?;
    Version::from_escaped(version).ok()?;
    Some(module.unescaped().into_owned())
}

fn found(body: Bytes, caching: HeaderValue) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, reply::TEXT_PLAIN);
    headers.insert(CACHE_CONTROL, caching);
    headers.insert(CONTENT_LENGTH, body.len().into());
    *response.body_mut() = body.into();
    response
}

pin_project! {
    /// The response of a [`SumDbService`] to come.
    ///
    /// Dropped early, a request to the database goes on for others.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F> {
        #[pin]
        answer: Either<F, BoxFuture<'static, Response<Full<Bytes>>>>,
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<LayerBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().answer.as_pin_mut() {
            Either::Left(inner) => inner
                .poll(cx)
                .map_ok(|response| response.map(LayerBody::inner)),
            Either::Right(own) => own
                .poll(cx)
                .map(|response| Ok(response.map(LayerBody::own))),
        }
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
