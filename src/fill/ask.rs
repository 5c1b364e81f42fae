//! What the source is asked for one client alone: lists, heads, and responses that are not shared.

use std::pin::pin;

use bytes::Bytes;
use futures_util::stream;
use http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderMap, Method, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tower::{BoxError, ServiceExt};

use super::admission::Slot;
use super::body::ResponseBody;
use super::conditional::whole;
use super::failure::Failure;
use super::judge::{declared_len, is_encoded, judge, read, source_failed, succeeded};
use super::pace::Pace;
use super::request::{Answered, Asked};
use super::respond::{BYPASS, MISS};
use super::run::{no_room, refused};
use super::service::{Source, SourceBody};
use super::table::Handed;
use crate::observe::{self, Answer, NoFile};
use crate::reply::NO_STORE;
use crate::span::in_current_span;
use crate::target::Resource;
use crate::verify::{Checks, Passing};

/// The most that is read into memory: the longest lists of versions have a small part of this.
const MOST: usize = 16 * 1024 * 1024;

impl Asked {
    /// A list, `@latest` or a query, as the source sends it.
    pub(super) async fn changing(&self, source: Source) -> Answered {
        let method = self.parts.method.clone();
        let (response, slot, pace) = self.ask(source, Resource::List, method).await?;
        let is_plain = response.status() == StatusCode::OK && !is_encoded(response.headers());
        if response.status().is_success() && !is_plain {
            let text = "the source sent something else than the whole answer";
            return Err(Failure::bad_gateway(text));
        }
        let (mut parts, body) = response.into_parts();
        parts.headers.remove(TRANSFER_ENCODING);
        let len = declared_len(&parts.headers, body.size_hint().exact()).unwrap_or(None);
        let passed = self.passed(body, len, slot, pace, &mut parts.headers, None);
        let body = passed.await?;
        Ok((Response::from_parts(parts, body), BYPASS))
    }

    /// The head that a `GET` of a missing file would have. `stores`: the storage answers.
    pub(super) async fn head(&self, source: Source, stores: bool) -> Answered {
        observe::answered(Answer::Bypass);
        let (response, _slot, mut pace) = self.ask(source, Resource::Info, Method::HEAD).await?;
        let (parts, _body) = succeeded(&self.target, response, &mut pace).await?;
        let file = match judge(&parts, None, &self.target, &self.shared) {
            Ok(_) if self.is_zip() && !stores => Err(no_room()),
            file => file,
        };
        let head = match file {
            Ok(file) => {
                let mut head = whole(&self.target, file.len);
                self.private_if(file.private, head.headers_mut());
                head
            }
            Err(failure) if failure.how == NoFile::Unshared && self.passes() => {
                self.unchecked_head(declared_len(&parts.headers, None).unwrap_or(None))
            }
            Err(failure) => return Err(failure),
        };
        Ok((head.map(|()| ResponseBody::default()), MISS))
    }

    /// A file as the source sends it, for this client alone, and checked on the way. Fails like this for one that wants it
    /// checked first, and where a check needs the whole file.
    pub(super) async fn unshared(
        &self,
        source: Source,
        handed: Option<Handed>,
        unchecked: Failure,
    ) -> Answered {
        if !self.passes() {
            return Err(unchecked);
        }
        let (response, slot, mut pace) = match handed {
            Some(handed) => handed,
            None => {
                let resource = self.target.resource();
                self.ask(source, resource, Method::GET).await?
            }
        };
        let (parts, body) = succeeded(&self.target, response, &mut pace).await?;
        let exact = body.size_hint().exact();
        match judge(&parts, exact, &self.target, &self.shared) {
            Err(failure) if failure.how != NoFile::Unshared => return Err(failure),
            _ => {}
        }
        let len = declared_len(&parts.headers, exact).unwrap_or(None);
        let mut head = self.unchecked_head(len);
        let checks = Some(self.shared.verify.start(&self.target));
        let passed = self.passed(body, len, slot, pace, head.headers_mut(), checks);
        let body = passed.await?;
        Ok((head.map(|()| body), MISS))
    }

    /// Whether a file may go to a client before it is checked as a whole.
    fn passes(&self) -> bool {
        !self.shared.waits() && (!self.is_zip() || self.shared.verify.follows_stream())
    }

    async fn passed(
        &self,
        body: SourceBody,
        len: Option<u64>,
        slot: Slot,
        mut pace: Pace,
        head: &mut HeaderMap,
        checks: Option<Checks>,
    ) -> Result<ResponseBody, Failure> {
        let limit = self.shared.commit_timeout;
        let is_head = self.parts.method == Method::HEAD;
        let has_end = len.is_some() || is_head || self.parts.version >= Version::HTTP_11;
        if has_end && (checks.is_none() || self.is_zip()) {
            let frames = driven(body, len, slot, pace, Passing::new(checks, limit));
            return Ok(ResponseBody::frames(frames, len));
        }
        // To HTTP/1.0 the end of the connection is the end of a body without a length: a broken one would look whole.
        let (content, true) = read(&self.target, body, MOST, &mut pace).await? else {
            let text = "the source's response broke off or is too long";
            return Err(Failure::bad_gateway(text));
        };
        if len.is_some_and(|len| len != content.len() as u64) {
            let text = "the source's response has another length than declared";
            return Err(Failure::bad_gateway(text));
        }
        if let Some(mut checks) = checks {
            checks.update(&content);
            let checked = checks.finish(content.clone().into(), false, limit);
            checked.await.map_err(refused)?;
        }
        head.insert(CONTENT_LENGTH, content.len().into());
        Ok(ResponseBody::whole(content.into()))
    }

    /// Ours, so that nothing of what the source says goes further.
    fn unchecked_head(&self, len: Option<u64>) -> Response<()> {
        let mut head = whole(&self.target, len);
        let headers = head.headers_mut();
        headers.remove(ACCEPT_RANGES);
        headers.insert(CACHE_CONTROL, NO_STORE);
        head
    }

    /// Asks the source, once there is a slot for this.
    async fn ask(
        &self,
        source: Source,
        resource: Resource,
        method: Method,
    ) -> Result<Handed, Failure> {
        let lane = self.shared.lane(resource);
        let slot = lane.slot(&self.target, self.shared.max_wait, true).await?;
        let mut pace = Pace::new(&self.shared);
        let request = self.source_request(method);
        let response = pace.wait(source.oneshot(request)).await?;
        let response =
            response.map_err(|error| source_failed(&self.target, "the source failed", &error))?;
        pace.begin();
        Ok((response, slot, pace))
    }
}

/// A task of its own drives the body, so that its slot is free again in time also where the client has stopped reading.
fn driven(
    body: SourceBody,
    len: Option<u64>,
    slot: Slot,
    mut pace: Pace,
    mut passing: Passing,
) -> impl stream::Stream<Item = Result<Bytes, BoxError>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(1);
    let task = tokio::spawn(in_current_span(async move {
        copy(body, len, &sender, &mut pace, &mut passing).await?;
        drop(slot);
        for bytes in passing.finish().await.map_err(refused)? {
            sender.send(bytes).await?;
        }
        Ok(())
    }));
    let of_client = (receiver, AbortOnDropHandle::new(task));
    stream::unfold(of_client, |(mut receiver, mut task)| async {
        let frame = match receiver.recv().await {
            Some(bytes) => Ok(bytes),
            // A task that has died has not said the end.
            None => Err((&mut task).await.map_err(BoxError::from).flatten().err()?),
        };
        Some((frame, (receiver, task)))
    })
}

async fn copy(
    body: SourceBody,
    len: Option<u64>,
    to: &mpsc::Sender<Bytes>,
    pace: &mut Pace,
    passing: &mut Passing,
) -> Result<(), BoxError> {
    let mut body = pin!(body);
    let mut copied = 0;
    while let Some(frame) = pace.wait(body.frame()).await? {
        let Ok(bytes) = frame?.into_data() else {
            continue;
        };
        pace.got(bytes.len());
        copied += bytes.len() as u64;
        if len.is_some_and(|len| copied > len) {
            // Else it would push all that was declared through to the client, before it is checked.
            return Err("the source sent more than it had declared".into());
        }
        passing.push(bytes).await?;
        while let Some(bytes) = passing.next() {
            // The client's waiting counts too.
            pace.wait(to.send(bytes)).await??;
        }
    }
    Ok(())
}
