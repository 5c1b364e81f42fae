//! Reads responses that name versions.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, EXPIRES, LOCATION,
    VARY,
};
use http::{HeaderName, HeaderValue, Response, StatusCode, response};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};

use super::body::{Answer, boxed};
use super::judge::Judge;
use super::list::{AllowedVersions, Readable, TEXT};
use crate::info::Fields;
use crate::latest;
use crate::module::Version;
use crate::reply;
use crate::target::Resource;

/// What stays of the head of a response whose content was read. Anything else may describe bytes that are not sent (a
/// validator, or a digest under one of its many names), or tell a proxy in front to send others.
const KEPT: [HeaderName; 6] = [
    AGE,
    CACHE_CONTROL,
    DATE,
    EXPIRES,
    VARY,
    HeaderName::from_static("cache-status"),
];

const TOO_LONG: &str = "upstream response is too long";

/// The most bytes of a response that names one version. With all that the go command puts into one it has some hundreds.
const LONGEST_INFO: usize = 64 * 1024;

/// The most bytes of a list that are read.
pub(super) const LONGEST_LIST: usize = 16 * 1024 * 1024;

/// A response that names one version.
pub(super) struct Named {
    head: response::Parts,
    content: Bytes,
    pub(super) version: Version<'static>,
}

impl Named {
    /// With the content of a response for another version. How long the response is fresh is still in this head.
    pub(super) fn with_content_of(self, other: Self) -> Self {
        let head = self.head;
        Self { head, ..other }
    }

    pub(super) fn into_answer(self) -> Answer {
        whole(own_head(self.head, Resource::Latest), self.content)
    }
}

/// The response, if its body has to be read and can be; else what the client gets. An error names no versions.
pub(super) fn readable(
    response: Answer,
    longest: usize,
) -> Result<Response<Readable>, Box<Answer>> {
    let (status, headers) = (response.status(), response.headers());
    let is_encoded = headers
        .get(CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity");
    Err(match status {
        StatusCode::OK if is_encoded => unreadable("upstream response is encoded"),
        StatusCode::OK if response.body().size_hint().lower() > longest as u64 => {
            unreadable(TOO_LONG)
        }
        StatusCode::OK => {
            return Ok(response.map(|body| {
                let body = Limited::new(body, longest);
                let body = body.map_err(|error| match error.is::<LengthLimitError>() {
                    true => TOO_LONG,
                    false => "upstream response broke off",
                });
                body.boxed_unsync()
            }));
        }
        _ if status.is_success() => {
            unreadable(&format!("upstream response has status {}", status.as_u16()))
        }
        // It leads to all versions.
        _ if status.is_redirection() && headers.contains_key(LOCATION) => {
            unreadable("upstream response is a redirect")
        }
        _ => response.into(),
    })
}

/// A response without the excluded versions of its list.
pub(super) async fn list(response: Answer, judge: Arc<Judge>) -> Result<Answer, Box<Answer>> {
    let (head, body) = readable(response, LONGEST_LIST)?.into_parts();
    let head = own_head(head, Resource::List);
    // To HTTP/1.0 the end of the connection is the end of a body without a length: a broken one would look whole.
    let streams = judge.request.version >= http::Version::HTTP_11;
    let enough = if streams { TEXT } else { usize::MAX };
    let mut list = AllowedVersions::new(body, judge);
    let read = poll_fn(|cx| list.poll_text(cx, enough)).await;
    read.map_err(unreadable)?;
    Ok(match list.has_ended {
        true => whole(head, list.text.into()),
        // It is sent while it is read, without its length.
        false => Response::from_parts(head, list.boxed_unsync()),
    })
}

/// What a response to `@latest` or for one version says.
pub(super) async fn info(response: Answer) -> Result<Named, Box<Answer>> {
    let (head, content) = small(response).await?;
    let version = version_of(&content).map_err(unreadable)?;
    Ok(Named {
        head,
        content,
        version,
    })
}

/// Whether the response is a go.mod that is not made up. What cannot be read counts as one.
pub(super) async fn is_own_go_mod(response: Answer, judge: &Judge) -> bool {
    let module = judge.target.module();
    let read = small(response).await;
    read.map_or(true, |(_, go_mod)| latest::is_own_go_mod(&module, &go_mod))
}

async fn small(response: Answer) -> Result<(response::Parts, Bytes), Box<Answer>> {
    let (head, body) = readable(response, LONGEST_INFO)?.into_parts();
    let content = body.collect().await.map_err(unreadable)?;
    Ok((head, content.to_bytes()))
}

/// The response of a service cannot be searched for excluded versions.
pub(super) fn unreadable(reason: &str) -> Box<Answer> {
    let text = format!("cannot filter excluded versions: {reason}");
    boxed(reply::text(StatusCode::BAD_GATEWAY, &text)).into()
}

fn version_of(content: &[u8]) -> Result<Version<'static>, &'static str> {
    let json = String::from_utf8_lossy(content);
    let info = Fields::parse(&json).map_err(|_| "upstream response is not a JSON object")?;
    let version = info.text("Version").filter(|version| !version.is_empty());
    let version = version.ok_or("upstream response names no version")?;
    let version = Version::new(version).map(Version::into_owned);
    version.map_err(|_| "upstream response names a malformed version")
}

fn own_head(mut head: response::Parts, resource: Resource) -> response::Parts {
    let sent = std::mem::take(&mut head.headers);
    for name in KEPT {
        for value in sent.get_all(&name) {
            head.headers.append(name.clone(), value.clone());
        }
    }
    let kind = HeaderValue::from_static(resource.content_type());
    head.headers.insert(CONTENT_TYPE, kind);
    head
}

fn whole(mut head: response::Parts, content: Bytes) -> Answer {
    head.headers.insert(CONTENT_LENGTH, content.len().into());
    boxed(Response::from_parts(head, Full::from(content)))
}
