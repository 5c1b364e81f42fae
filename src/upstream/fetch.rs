//! The way from a request to a response: one registry with its retries, then the list.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Empty};
use tower::BoxError;
use tower_service::Service;

use super::ask::Ask;
use super::body::UpstreamBody;
use super::clock::{Deadline, Watch, backoff};
use super::error::{Kind, UpstreamError};
use super::flow::{Flow, Resume};
use super::head::{is_close_delimited, judge, length, passed};
use super::observe;
use super::resume::Identity;

/// A longer `Retry-After` is the client's to wait for.
const PATIENCE: u64 = 5;

/// Asks one registry until it answers, or until asking again is of no use.
pub(super) async fn fetch<C, B>(
    ask: Ask<C>,
    deadline: Deadline,
) -> Result<Response<UpstreamBody>, UpstreamError>
where
    C: Service<Request<Empty<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let mut attempt = 0;
    loop {
        let error = match once(ask.clone(), deadline).await {
            Ok(response) => return Ok(response),
            Err(error) => error.at(ask.base.host()),
        };
        if attempt == ask.config.retries {
            return Err(error);
        }
        let Some(pause) = pause(&error, attempt) else {
            return Err(error);
        };
        observe::retrying(&error);
        tokio::time::sleep(pause).await;
        attempt += 1;
    }
}

/// How long to wait before asking again: `None` if the answer would be the same, or if it took too long already.
fn pause(error: &UpstreamError, attempt: u32) -> Option<Duration> {
    let told = |seconds: u64| (seconds <= PATIENCE).then(|| Duration::from_secs(seconds));
    match error.kind() {
        Kind::Transport | Kind::Broken | Kind::Short { .. } => Some(backoff(attempt)),
        Kind::Status(
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT,
            seconds,
        ) => match seconds {
            Some(seconds) => told(*seconds),
            None => Some(backoff(attempt)),
        },
        Kind::TooMany(Some(after)) => told(after.parse().ok()?),
        _ => None,
    }
}

/// Asks once, and waits for the first part of the body.
async fn once<C, B>(
    ask: Ask<C>,
    deadline: Deadline,
) -> Result<Response<UpstreamBody>, UpstreamError>
where
    C: Service<Request<Empty<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let sent = ask.send(HeaderMap::new());
    let method = ask.wanted.method.clone();
    let response = judge(&method, sent.await?).await?;
    let mut answer = Response::new(UpstreamBody::default());
    *answer.headers_mut() = passed(response.headers());
    if method == Method::HEAD {
        return Ok(answer);
    }
    if is_close_delimited(&response) && !ask.wanted.resource.shows_a_cut() {
        return Err(UpstreamError::new(Kind::Endless));
    }
    let length = length(&response);
    // What the body is held to is what the client is told.
    match length {
        Some(length) => answer.headers_mut().insert(CONTENT_LENGTH, length.into()),
        None => answer.headers_mut().remove(CONTENT_LENGTH),
    };
    let identity = Identity::of(response.headers(), length);
    let watch = Watch::new(ask.config.idle, deadline);
    let host = Arc::clone(ask.base.host());
    let parts = response.into_body().map_err(Into::into).boxed_unsync();
    let mut flow = Flow::new(parts, length, watch, host);
    flow.peek().await?;
    if let Some(identity) = identity {
        let most = ask.config.resumes;
        flow.resume_with(rest_of(ask, identity), most);
    }
    *answer.body_mut() = UpstreamBody::flow(flow);
    Ok(answer)
}

/// Asks the same registry for the rest of the same file.
fn rest_of<C, B>(ask: Ask<C>, identity: Identity) -> Resume
where
    C: Service<Request<Empty<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    Box::new(move |offset, attempt| {
        let sent = ask.send(identity.condition(offset));
        let identity = identity.clone();
        Box::pin(async move {
            tokio::time::sleep(backoff(attempt)).await;
            let response = sent.await?;
            identity.check(&response, offset)?;
            Ok(response.into_body().map_err(Into::into).boxed_unsync())
        })
    })
}
