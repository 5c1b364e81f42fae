//! One registry, asked until it answers.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderValue, Method, Response, StatusCode};

use super::ask::Ask;
use super::body::UpstreamBody;
use super::clock::{Deadline, backoff};
use super::decode::{decoded, is_gzip};
use super::error::{Kind, UpstreamError};
use super::flow::{Flow, Rescue, Resume};
use super::head::{CloseDelimited, length, passed, validators};
use super::observe;
use super::reading::Reading;
use super::resume::Identity;
use super::said::Said;
use crate::target::Resource;

/// A longer `Retry-After` is the client's to wait for.
const PATIENCE: u64 = 5;

/// What is not longer is read before it is answered, except zips: more than almost all lists and `go.mod` files have.
const SMALL: usize = 64 * 1024;

/// The most that a decoded file may have: what the go command takes of a zip, and of a `go.mod`.
const MOST_ZIP: u64 = 500 << 20;
const MOST_SMALL: u64 = 16 << 20;

/// Asks one registry until it answers, or until asking again is of no use.
pub(super) async fn fetch(
    ask: Ask,
    deadline: Deadline,
) -> Result<Response<UpstreamBody>, UpstreamError> {
    let registry = Arc::clone(&ask.registry);
    let answers = registry.health().answers();
    let mut attempt = 0;
    loop {
        let error = match once(ask.clone(), deadline).await {
            Ok(response) => return Ok(response),
            Err(error) => error.at(registry.base().host()),
        };
        let pause = pause(&error, attempt).filter(|_| attempt < ask.config.retries);
        // A registry that others have asked in vain meanwhile is not asked again.
        let Some(pause) = pause.filter(|_| !registry.health().is_away()) else {
            registry.failed(answers, &error);
            return Err(error);
        };
        observe::retrying(&ask.wanted.path, &error);
        tokio::time::sleep(pause).await;
        attempt += 1;
    }
}

/// How long to wait before asking again: `None` if the answer would be the same, or if it took too long already.
fn pause(error: &UpstreamError, attempt: u32) -> Option<Duration> {
    let said = match error.kind() {
        Kind::Transport | Kind::Broken => return Some(backoff(attempt)),
        Kind::Said(said) => said,
        _ => return None,
    };
    let after = said.retry_after.as_ref();
    let told = || {
        let seconds = after?.to_str().ok()?.trim().parse().ok()?;
        (seconds <= PATIENCE).then(|| Duration::from_secs(seconds))
    };
    match said.status {
        StatusCode::TOO_MANY_REQUESTS => told(),
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            after.map_or_else(|| Some(backoff(attempt)), |_| told())
        }
        _ => None,
    }
}

/// Asks once, and waits for the first part of the body, or for all of a small one.
pub(super) async fn once(
    ask: Ask,
    deadline: Deadline,
) -> Result<Response<UpstreamBody>, UpstreamError> {
    let condition = ask.condition();
    let is_conditional = !condition.is_empty();
    let sent = ask.send(condition);
    let response = sent.await?;
    let (method, resource) = (ask.wanted.method.clone(), ask.wanted.resource);
    let is_304 = is_conditional && response.status() == StatusCode::NOT_MODIFIED;
    if response.status() != StatusCode::OK && !is_304 {
        let secrets = ask.registry.secrets(&ask.wanted.path);
        let said = Said::read(&method, response, &secrets).await;
        return Err(UpstreamError::new(Kind::Said(said)));
    }
    let mut answer = Response::new(UpstreamBody::default());
    *answer.status_mut() = response.status();
    *answer.headers_mut() = passed(response.headers());
    let origin = ask.registry.base().origin();
    if let Some(validators) = validators(response.headers(), origin) {
        answer.extensions_mut().insert(validators);
    }
    if is_304 {
        return Ok(answer);
    }
    let content_type = HeaderValue::from_static(resource.content_type());
    answer.headers_mut().insert(CONTENT_TYPE, content_type);
    let is_decoded = is_gzip(response.headers())?;
    let length = length(&response, &method).filter(|_| !is_decoded);
    if is_decoded {
        // It is the tag of the encoded bytes.
        answer.headers_mut().remove(ETAG);
    }
    if let Some(length) = length {
        answer.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    if method == Method::HEAD {
        return Ok(answer);
    }
    let cut_unseen = response.extensions().get::<CloseDelimited>().is_some();
    if cut_unseen && !resource.shows_a_cut() {
        let unfit = Kind::Unfit("does not say where the file ends");
        return Err(UpstreamError::new(unfit));
    }
    let identity = Identity::of(response.headers(), length);
    let (parts, most) = match (is_decoded, resource) {
        (false, _) => (response.into_body(), u64::MAX),
        (true, Resource::Zip) => (decoded(response.into_body()), MOST_ZIP),
        (true, _) => (decoded(response.into_body()), MOST_SMALL),
    };
    let mut flow = Flow {
        parts: Some(parts),
        length,
        most: length.unwrap_or(most),
        idle: ask.config.idle,
        deadline,
        file: Arc::clone(&ask.wanted.path),
        host: Arc::clone(ask.registry.base().host()),
        rescue: None,
        taken: 0,
    };
    let is_zip = resource == Resource::Zip;
    let first = flow.read_ahead(if is_zip { 1 } else { SMALL }).await?;
    *answer.body_mut() = if flow.left() == Some(0) {
        let length = first.len().into();
        answer.headers_mut().insert(CONTENT_LENGTH, length);
        UpstreamBody::whole(first)
    } else {
        let most = ask.config.resumes;
        flow.rescue = identity.map(|identity| Rescue::new(rest_of(ask, identity), most));
        UpstreamBody::new(Reading::new(first, flow))
    };
    Ok(answer)
}

/// Asks the same registry for the rest of the same file.
fn rest_of(ask: Ask, identity: Identity) -> Resume {
    Box::new(move |offset, attempt| {
        let sent = ask.send(identity.condition(offset));
        let identity = identity.clone();
        Box::pin(async move {
            tokio::time::sleep(backoff(attempt)).await;
            let response = sent.await?;
            let end = identity.check(&response, offset)?;
            Ok((response.into_body(), end))
        })
    })
}
