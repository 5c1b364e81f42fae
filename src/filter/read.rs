//! Reads responses that name versions.

use std::future::poll_fn;

use bytes::Bytes;
use http::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, EXPIRES, LOCATION,
    VARY,
};
use http::{HeaderName, HeaderValue, Response, StatusCode, response};
use http_body::Body as _;
use http_body_util::{BodyExt as _, Full};

use super::body::Content;
use super::judge::Judge;
use super::list::{AllowedVersions, BROKE_OFF, LONGEST_LIST, TOO_LONG};
use crate::info::Fields;
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

/// The most bytes of a response that names one version. With all that the go command puts into one it has some hundreds.
const LONGEST_INFO: u64 = 64 * 1024;

pub(super) type Answer = Response<Content>;

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
pub(super) fn readable(response: Answer) -> Result<Answer, Box<Answer>> {
    let status = response.status();
    let encoding = response.headers().get(CONTENT_ENCODING);
    let reason = match status {
        StatusCode::OK if encoding.is_none_or(|encoding| encoding == "identity") => {
            return Ok(response);
        }
        StatusCode::OK => "upstream response is encoded",
        _ if status.is_success() => {
            return Err(unreadable(&format!(
                "upstream response has status {}",
                status.as_u16()
            )));
        }
        // It leads to all versions.
        _ if status.is_redirection() && response.headers().contains_key(LOCATION) => {
            "upstream response is a redirect"
        }
        _ => return Err(response.into()),
    };
    Err(unreadable(reason))
}

/// A response without the excluded versions of its list.
pub(super) async fn list(response: Answer, judge: Judge) -> Result<Answer, Box<Answer>> {
    let (head, body) = readable(response)?.into_parts();
    if body.size_hint().lower() > LONGEST_LIST {
        return Err(unreadable(TOO_LONG));
    }
    let head = own_head(head, Resource::List);
    let mut list = AllowedVersions::new(body, judge);
    match poll_fn(|cx| list.poll_text(cx)).await {
        Ok(()) if list.is_whole => Ok(whole(head, list.text.into())),
        // It is sent while it is read, without its length.
        Ok(()) => Ok(Response::from_parts(head, list.boxed_unsync())),
        Err(reason) => Err(unreadable(reason)),
    }
}

/// What a response to `@latest` or for one version says.
pub(super) async fn info(response: Answer) -> Result<Named, Box<Answer>> {
    let (head, mut body) = readable(response)?.into_parts();
    let mut content = Vec::new();
    while body
        .size_hint()
        .lower()
        .saturating_add(content.len() as u64)
        <= LONGEST_INFO
    {
        match body.frame().await {
            Some(Ok(frame)) => content.extend(frame.into_data().unwrap_or_default()),
            Some(Err(_)) => return Err(unreadable(BROKE_OFF)),
            None => {
                let version = version_of(&content).map_err(unreadable)?;
                let content = content.into();
                return Ok(Named {
                    head,
                    content,
                    version,
                });
            }
        }
    }
    Err(unreadable(TOO_LONG))
}

/// The response of a service cannot be searched for excluded versions.
pub(super) fn unreadable(reason: &str) -> Box<Answer> {
    let text = format!("cannot filter excluded versions: {reason}");
    answer(reply::text(StatusCode::BAD_GATEWAY, &text)).into()
}

pub(super) fn answer(response: Response<Full<Bytes>>) -> Answer {
    response.map(|body| body.map_err(|never| match never {}).boxed_unsync())
}

fn version_of(content: &[u8]) -> Result<Version<'static>, &'static str> {
    let json = String::from_utf8_lossy(content);
    let info = Fields::parse(&json).map_err(|_| "upstream response is not a JSON object")?;
    let version = info.text("Version").filter(|version| !version.is_empty());
    let version = version.ok_or("upstream response names no version")?;
    let version =
        Version::new(version).map_err(|_| "upstream response names a malformed version")?;
    Ok(version.into_owned())
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
    answer(Response::from_parts(head, content.into()))
}
