//! What the source is asked for one client alone: lists, heads, and responses that are not shared.

use std::pin::pin;

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::stream;
use http::header::{ACCEPT_RANGES, CONTENT_LENGTH, ETAG, TRANSFER_ENCODING};
use http::{Method, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tower::{BoxError, ServiceExt};

use super::admission::{Place, too_many};
use super::body::ResponseBody;
use super::conditional::Plan;
use super::failure::Failure;
use super::judge::{declared_len, failure, judge, read};
use super::pace::Pace;
use super::request::Asked;
use super::respond;
use super::run::Stop;
use super::service::{Source, SourceBody};
use crate::observe;
use crate::span::in_current_span;
use crate::target::Resource;

/// The most that is read into memory: the longest lists of versions have a small part of this.
const MOST: usize = 16 * 1024 * 1024;

/// What a fill that has just been started hands to its request.
pub(super) type Handover = oneshot::Receiver<(Response<SourceBody>, Place)>;

impl Asked {
    /// A list, `@latest` or a query: read as a whole, so that it has its place for no longer than the source needs.
    pub(super) async fn changing(&self, source: Source) -> Result<Response<ResponseBody>, Failure> {
        let asked = self
            .ask(source, Resource::List, self.parts.method.clone())
            .await;
        let (response, _place, mut pace) = asked?;
        if response.status().is_success() && response.status() != StatusCode::OK {
            return Err(not_the_whole());
        }
        self.whole(response, &mut pace).await
    }

    /// The head that a `GET` of a missing file would have.
    pub(super) async fn head(&self, source: Source) -> Result<Response<()>, Failure> {
        let asked = self.ask(source, Resource::Info, Method::HEAD).await;
        let (response, _place, mut pace) = asked?;
        if !response.status().is_success() {
            return Err(failure(&self.target, response, &mut pace).await?);
        }
        match judge(&response, None, &self.target, &self.shared) {
            Ok(file) => {
                let resource = self.target.resource();
                let head = respond::head(resource, file.len, None, &Plan::Whole);
                Ok(self.private_if(file.private, head))
            }
            Err(Stop::Unshared(_)) if !self.shared.waits() => Ok(passing(response).map(drop)),
            Err(Stop::Failed(failure) | Stop::Unshared(failure)) => Err(failure),
        }
    }

    /// A file as the source sends it, for this client alone. Nobody checks it.
    pub(super) async fn pass(
        &self,
        source: Source,
        handover: Option<Handover>,
    ) -> Result<Response<ResponseBody>, Failure> {
        let handed = match handover {
            Some(handover) => handover.await.ok(),
            None => None,
        };
        let (response, place, mut pace) = match handed {
            Some((response, place)) => {
                let mut pace = Pace::new(&self.shared);
                pace.begin();
                (response, place, pace)
            }
            None => {
                let method = self.parts.method.clone();
                self.ask(source, self.target.resource(), method).await?
            }
        };
        if !response.status().is_success() {
            return Err(failure(&self.target, response, &mut pace).await?);
        }
        let exact = response.body().size_hint().exact();
        let exact = exact.filter(|_| self.parts.method != Method::HEAD);
        if let Err(Stop::Failed(failure)) = judge(&response, exact, &self.target, &self.shared) {
            return Err(failure);
        }
        let len = declared_len(response.headers(), exact).unwrap_or(None);
        let response = passing(response);
        if self.parts.method == Method::HEAD {
            return Ok(response.map(|_| ResponseBody::default()));
        }
        // To HTTP/1.0 the end of the connection is the end of a body without a length: a broken one would look whole.
        if len.is_none() && self.parts.version < Version::HTTP_11 {
            return self.whole(response, &mut pace).await;
        }
        Ok(response.map(|body| ResponseBody::frames(driven(body, place, pace), len)))
    }

    async fn whole(
        &self,
        response: Response<SourceBody>,
        pace: &mut Pace,
    ) -> Result<Response<ResponseBody>, Failure> {
        let (mut parts, body) = response.into_parts();
        let declared = body.size_hint().exact();
        let (content, is_whole) = read(&self.target, body, MOST, pace).await?;
        if !is_whole || declared.is_some_and(|len| len != content.len() as u64) {
            return Err(Failure::bad_gateway(
                "the source's response broke off or is too long",
            ));
        }
        parts.headers.remove(TRANSFER_ENCODING);
        if self.parts.method != Method::HEAD {
            parts.headers.insert(CONTENT_LENGTH, content.len().into());
        }
        let body = ResponseBody::whole(Full::new(content));
        Ok(Response::from_parts(parts, body))
    }

    /// Asks the source, once there is a place for this.
    async fn ask(
        &self,
        source: Source,
        resource: Resource,
        method: Method,
    ) -> Result<(Response<SourceBody>, Place, Pace), Failure> {
        let max_wait = self.shared.max_wait;
        let place = timeout(max_wait, self.shared.lane(resource).place(true)).await;
        let place = place.ok().flatten().ok_or_else(|| {
            observe::refused(&self.target);
            too_many(max_wait)
        })?;
        let mut pace = Pace::new(&self.shared);
        let request = self.source_request(method);
        let response = pace.wait(source.oneshot(request)).await?.map_err(|error| {
            let text = "the source failed";
            observe::source_failed(&self.target, text, &error);
            Failure::bad_gateway(text)
        })?;
        pace.begin();
        Ok((response, place, pace))
    }
}

/// Without what means something to the source alone: this layer has other tags, and knows ranges only of its own files.
fn passing<B>(mut response: Response<B>) -> Response<B> {
    response.headers_mut().remove(ETAG);
    response.headers_mut().remove(ACCEPT_RANGES);
    response
}

fn not_the_whole() -> Failure {
    Failure::bad_gateway("the source sent something else than the whole answer")
}

/// A task of its own drives the body, so that its place is free again in time also where the client has stopped reading.
fn driven(
    body: SourceBody,
    place: Place,
    mut pace: Pace,
) -> impl stream::Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(in_current_span(async move {
        let (copied, gone) = (pin!(copy(body, &sender, &mut pace)), pin!(sender.closed()));
        let end = match select(copied, gone).await {
            Either::Left((end, _)) => end,
            Either::Right(_) => return,
        };
        drop(place);
        // A client that has left does not need an end.
        let _ = sender.send(end.map(|()| None)).await;
    }));
    stream::unfold(receiver, |mut receiver| async {
        let frame = match receiver.recv().await {
            Some(Ok(None)) => return None,
            Some(Ok(Some(bytes))) => Ok(bytes),
            Some(Err(error)) => Err(error),
            // A task that has died has not said the end.
            None => Err("the transfer was given up".into()),
        };
        Some((frame, receiver))
    })
}

async fn copy(
    body: SourceBody,
    to: &mpsc::Sender<Result<Option<Bytes>, BoxError>>,
    pace: &mut Pace,
) -> Result<(), BoxError> {
    let mut body = pin!(body);
    while let Some(frame) = pace.wait(body.frame()).await? {
        let Ok(bytes) = frame?.into_data() else {
            continue;
        };
        let len = bytes.len();
        if len > 0 {
            // The client's waiting counts too.
            pace.wait(to.send(Ok(Some(bytes)))).await??;
            pace.got(len);
        }
    }
    Ok(())
}
