//! Reads responses that name versions.

use std::future::poll_fn;

use bytes::Bytes;
use http::header::{
    AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, EXPIRES, LOCATION,
    VARY,
};
use http::{HeaderName, HeaderValue, Response, StatusCode, response};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::Value;
use tower::BoxError;

use super::body::ResponseBody;
use super::judge::Judge;
use super::list::{AllowedVersions, LONGEST_LIST, ListError};
use super::refusal::unreadable;
use crate::info;
use crate::module::Version;
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

pub(super) type Answer<SB, IB> = Response<ResponseBody<SB, IB>>;

/// A response that names one version.
pub(super) struct Named {
    head: response::Parts,
    content: Bytes,
    pub(super) version: Version<'static>,
}

impl Named {
    /// With the content of a response for another version. How long the response is fresh is still in this head.
    pub(super) fn replaced_by<SB, IB>(
        self,
        other: Result<Self, Box<Answer<SB, IB>>>,
        version: &Version<'_>,
    ) -> Answer<SB, IB> {
        match other {
            Ok(other) if other.version == *version => Self {
                head: self.head,
                ..other
            }
            .into_response(),
            Ok(_) => refused("upstream response names another version"),
            Err(answer) => *answer,
        }
    }

    pub(super) fn into_response<SB, IB>(self) -> Answer<SB, IB> {
        whole(own_head(self.head, Resource::Latest), self.content)
    }
}

/// The response, if its body has to be read and can be; else what the client gets. An error names no versions.
pub(super) fn readable<SB, IB>(
    response: Answer<SB, IB>,
) -> Result<Answer<SB, IB>, Box<Answer<SB, IB>>> {
    let status = response.status();
    let encoding = response.headers().get(CONTENT_ENCODING);
    let reason = match status {
        StatusCode::OK if encoding.is_none_or(|encoding| encoding == "identity") => {
            return Ok(response);
        }
        StatusCode::OK => "upstream response is encoded".to_owned(),
        _ if status.is_success() => format!("upstream response has status {}", status.as_u16()),
        // It leads to all versions.
        _ if status.is_redirection() && response.headers().contains_key(LOCATION) => {
            "upstream response is a redirect".to_owned()
        }
        _ => return Err(response.into()),
    };
    Err(refused(&reason).into())
}

/// A response without the excluded versions of its list.
pub(super) async fn list<SB, IB>(response: Answer<SB, IB>, judge: Judge) -> Answer<SB, IB>
where
    SB: Body<Data = Bytes, Error: Into<BoxError>>,
    IB: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (head, body) = response.into_parts();
    if body.size_hint().lower() > LONGEST_LIST {
        return refused(&ListError::TooLong.to_string());
    }
    let head = own_head(head, Resource::List);
    let mut list = AllowedVersions::new(body, judge);
    match poll_fn(|cx| list.poll_text(cx)).await {
        None => whole(head, Bytes::new()),
        Some(Ok(text)) if list.is_end() => whole(head, text),
        // It is sent while it is read, without its length.
        Some(Ok(text)) => Response::from_parts(head, ResponseBody::list(text, list)),
        Some(Err(error)) => refused(&error.to_string()),
    }
}

/// What a response to `@latest` or for one version says.
pub(super) async fn info<SB, IB>(response: Answer<SB, IB>) -> Result<Named, Box<Answer<SB, IB>>>
where
    SB: Body<Data = Bytes, Error: Into<BoxError>>,
    IB: Body<Data = Bytes, Error: Into<BoxError>>,
{
    let (head, body) = readable(response)?.into_parts();
    if body.size_hint().lower() > LONGEST_INFO {
        return Err(refused(&ListError::TooLong.to_string()).into());
    }
    let content = match Limited::new(body, LONGEST_INFO as usize).collect().await {
        Ok(content) => content.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            return Err(refused(&ListError::TooLong.to_string()).into());
        }
        Err(error) => return Err(refused(&ListError::BrokeOff(error).to_string()).into()),
    };
    match version_of(&content) {
        Ok(version) => Ok(Named {
            head,
            content,
            version,
        }),
        Err(reason) => Err(refused(reason).into()),
    }
}

fn version_of(content: &[u8]) -> Result<Version<'static>, &'static str> {
    let info = info::parse(content).map_err(|_| "upstream response is not a JSON object")?;
    match info::field(&info, "Version").map_err(|_| "upstream response names two versions")? {
        Some(Value::String(version)) => Version::new(version.as_str())
            .map(Version::into_owned)
            .map_err(|_| "upstream response names a malformed version"),
        _ => Err("upstream response names no version"),
    }
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

fn whole<SB, IB>(mut head: response::Parts, content: Bytes) -> Answer<SB, IB> {
    head.headers.insert(CONTENT_LENGTH, content.len().into());
    Response::from_parts(head, ResponseBody::own(content.into()))
}

fn refused<SB, IB>(reason: &str) -> Answer<SB, IB> {
    unreadable(reason).map(ResponseBody::own)
}
