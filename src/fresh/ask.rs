//! One question to the source, and what its response means.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use http::header::{HeaderMap, RETRY_AFTER};
use http::{Extensions, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt};

use super::list;
use super::question::Question;
use super::said::{Said, is_absence, is_failure, len};
use super::shared::Shared;
use super::shown::{Caching, Shown};
use crate::access::value::Access;
use crate::info::Fields;
use crate::module::{Version, check};
use crate::reply::{self, BUSY, Busy};
use crate::shared_caches::has_directive;
use crate::source::{Uncertain, Validators};
use crate::target::Resource;
use crate::verify::check_info;

/// What is wrapped, with its types boxed.
pub(super) type Inner =
    BoxCloneSyncService<Request<Empty<Bytes>>, Response<InnerBody>, std::convert::Infallible>;
pub(super) type InnerBody = UnsyncBoxBody<Bytes, BoxError>;

/// So much of each answer is read at once. A longer one is read when no other long one is in memory. A list that is still so
/// long without its wrong lines is given to those who wait, and not kept.
const USUAL: usize = 128 * 1024;
/// How long the rest of a long one may take, with the wait for its turn.
const LONG: Duration = Duration::from_secs(60);
/// Longer tags and dates are not kept: they are part of what memory and records have.
const MOST_OF_VALIDATORS: usize = 1024;
/// The go command shows less of an error's text.
const MOST_OF_TEXT: usize = 1024;
/// A longer `Retry-After` is cut to this: it may be a mistake.
const LONGEST_WAIT: u64 = 60 * 60;

/// The buffer for long answers, which is one: an allocator would keep some of many that come and go. It is free again when
/// the last client has the answer.
struct Long(OwnedMutexGuard<Vec<u8>>);

impl AsRef<[u8]> for Long {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// What the source has said.
#[derive(Debug)]
pub(super) enum Heard {
    Said(Said),
    /// The same, and nobody keeps it: the source forbids that, it is too long, or it is about this request and not about the
    /// module.
    ForOnce(Said),
    /// Nothing about the module.
    Failed(Shown),
}

/// A request of our own: credentials and conditions of a client stay outside.
pub(super) fn request(
    question: &Question,
    extensions: &Extensions,
    validators: Option<Validators>,
) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    // A checked target is always a path.
    if let Ok(uri) = question.target.to_uri_path().try_into() {
        *request.uri_mut() = uri;
    }
    *request.extensions_mut() = extensions.clone();
    if let Some(validators) = validators {
        request.extensions_mut().insert(validators);
    }
    request
}

pub(super) async fn ask(
    inner: Inner,
    question: &Question,
    extensions: &Extensions,
    known: Option<&Said>,
    shared: &Shared,
) -> Heard {
    let known = known.filter(|known| known.validators.is_some());
    let validators = known.and_then(|known| known.validators.clone());
    let Ok(response) = inner
        .oneshot(request(question, extensions, validators))
        .await;
    let (head, body) = response.into_parts();
    if let Some(known) = known
        && head.status == StatusCode::NOT_MODIFIED
    {
        return Heard::Said(known.clone());
    }
    let by_user = extensions.get::<Access>().is_some();
    if head.extensions.get::<Busy>().is_some() {
        return Heard::Failed(busy());
    }
    if head.status != StatusCode::OK {
        let heard = judge_error(head.status, &head.headers, body, by_user).await;
        return match (heard, head.extensions.get::<Uncertain>()) {
            (Heard::ForOnce(said), Some(_)) => Heard::Failed(Shown::of(&said, Caching::Never)),
            (heard, _) => heard,
        };
    }
    let read = match read(body, question.most(), shared).await {
        Ok(read) => read,
        Err(text) => return Heard::Failed(bad_gateway(text)),
    };
    let content = if question.is_list() {
        let module = question.target.module();
        let list = list::canonical(&module, read.clone(), &shared.sorting).await;
        match list.len() > USUAL {
            true => list::keeping(list, read),
            false => list,
        }
    } else if question.target.resource() != Resource::Mod
        && let Err(text) = check_version(question, &read)
    {
        return Heard::Failed(bad_gateway(&text));
    } else {
        read
    };
    let says = |name| !shared.ignore_cache_control && has_directive(&head.headers, name);
    let validators = head.extensions.get::<Validators>().cloned();
    let said = Said {
        status: StatusCode::OK,
        content,
        private: says("private"),
        validators: validators.filter(|validators| len(validators) <= MOST_OF_VALIDATORS),
    };
    match says("no-store") || said.content.len() > USUAL {
        true => Heard::ForOnce(said),
        false => Heard::Said(said),
    }
}

/// What a response other than 200 says. `by_user`: the request carried the credentials of a user.
pub(super) async fn judge_error(
    status: StatusCode,
    headers: &HeaderMap,
    body: InnerBody,
    by_user: bool,
) -> Heard {
    let said = Said {
        status,
        content: text(body, status).await,
        private: has_directive(headers, "private"),
        validators: None,
    };
    if is_absence(status) {
        let no_store = has_directive(headers, "no-store");
        let is_about_user = by_user && status == StatusCode::FORBIDDEN;
        return match no_store || is_about_user {
            true => Heard::ForOnce(said),
            false => Heard::Said(said),
        };
    }
    if status.is_client_error() && !is_failure(status) {
        return Heard::ForOnce(said);
    }
    if !is_failure(status) {
        return Heard::Failed(bad_gateway(
            "the source sent something else than the whole answer",
        ));
    }
    let shown = Shown::of(&said, Caching::Never);
    Heard::Failed(match retry_after(headers) {
        Some(wait) => shown.retry_in(wait),
        None => shown,
    })
}

/// The length of a `Retry-After`, in seconds or up to a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = text.parse().ok().or_else(|| {
        let then = DateTime::parse_from_rfc2822(text).ok()?.timestamp();
        let now = std::time::UNIX_EPOCH.elapsed().ok()?.as_secs();
        Some(u64::try_from(then).ok()?.saturating_sub(now))
    })?;
    Some(Duration::from_secs(seconds.min(LONGEST_WAIT)))
}

/// The source was not asked for want of a slot: a moment later there may be one.
pub(super) fn busy() -> Shown {
    Shown::text(StatusCode::SERVICE_UNAVAILABLE, BUSY).retry_in(Duration::from_secs(1))
}

fn bad_gateway(text: &str) -> Shown {
    Shown::text(StatusCode::BAD_GATEWAY, text)
}

async fn read(body: InnerBody, most: usize, shared: &Shared) -> Result<Bytes, &'static str> {
    const TOO_LONG: &str = "the source's response is too long";
    const BROKEN: &str = "the source's response broke off";
    if body.size_hint().lower() > most as u64 {
        return Err(TOO_LONG);
    }
    let mut body = pin!(body);
    // Of one size: pieces of many sizes stay with an allocator for longer.
    let mut content = Vec::with_capacity(USUAL);
    let more = read_up_to(body.as_mut(), &mut content, Bytes::new(), USUAL).await;
    let Some(more) = more.map_err(|_| BROKEN)? else {
        content.shrink_to_fit();
        return Ok(content.into());
    };
    let rest = timeout(LONG, async {
        let mut long = Mutex::lock_owned(Arc::clone(&shared.long)).await;
        long.clear();
        // Not copied while it grows.
        long.reserve_exact(most);
        long.append(&mut content);
        let more = read_up_to(body, &mut long, more, most).await?;
        Ok::<_, BoxError>(more.is_none().then(|| Bytes::from_owner(Long(long))))
    });
    match rest.await {
        Ok(Ok(Some(content))) => Ok(content),
        Ok(Ok(None)) => Err(TOO_LONG),
        Ok(Err(_)) => Err(BROKEN),
        Err(_) => Err("the source's response is too slow"),
    }
}

/// Reads on behind a part. Returns the part that is too much, or `None` behind the end.
async fn read_up_to(
    mut body: Pin<&mut InnerBody>,
    content: &mut Vec<u8>,
    mut part: Bytes,
    most: usize,
) -> Result<Option<Bytes>, BoxError> {
    while part.len() <= most - content.len() {
        content.extend_from_slice(&part);
        let Some(frame) = body.frame().await.transpose()? else {
            return Ok(None);
        };
        part = frame.into_data().unwrap_or_default();
    }
    Ok(Some(part))
}

/// The text of an error, or its status if it has none.
async fn text(body: InnerBody, status: StatusCode) -> Bytes {
    let mut content = Vec::new();
    // Cut short, it is a text all the same.
    let more = read_up_to(pin!(body), &mut content, Bytes::new(), MOST_OF_TEXT).await;
    let more = more.ok().flatten().unwrap_or_default();
    let room = MOST_OF_TEXT - content.len();
    content.extend_from_slice(&more[..more.len().min(room)]);
    if let Err(error) = str::from_utf8(&content) {
        content.truncate(error.valid_up_to());
    }
    if content.is_empty() {
        let reason = status.canonical_reason().unwrap_or("the source refused");
        return reply::line(&reason.to_ascii_lowercase()).into();
    }
    content.into()
}

/// The go command believes whatever version is named here.
fn check_version(question: &Question, content: &[u8]) -> Result<(), String> {
    let version = version_of(content).ok_or("the source's answer names no version")?;
    if check(&question.target.module(), &version).is_err() {
        return Err("the source's answer names a version that the module cannot have".to_owned());
    }
    check_info(content, &version.unescaped())
}

/// The version that an `.info` names.
pub(super) fn version_of(content: &[u8]) -> Option<Version<'static>> {
    let json = String::from_utf8_lossy(content);
    let version = Fields::parse(&json).ok()?.text("Version")?;
    Version::new(version).ok().map(Version::into_owned)
}
