//! Keeps excluded versions out of lists and of `@latest`.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE,
    EXPIRES, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
    VARY,
};
use http::{HeaderName, HeaderValue, Method, Response, StatusCode, request, response};
use http_body_util::{Full, LengthLimitError};
use serde_json::Value;
use tower::BoxError;

use super::refusal::{excluded, latest_excluded, unreadable};
use super::snapshot::Snapshot;
use crate::info;
use crate::module::Version;
use crate::policy::{Policy, Rule};
use crate::target::{Resource, Target};

/// What stays of the head of a response whose content was read. Anything else may describe bytes that are not sent: a
/// validator, or a digest under one of its many names.
const KEPT: [HeaderName; 7] = [
    AGE,
    CACHE_CONTROL,
    CONTENT_TYPE,
    DATE,
    EXPIRES,
    VARY,
    HeaderName::from_static("cache-status"),
];

/// A request whose response has to be searched for excluded versions.
pub(super) struct Screen<P> {
    policy: Snapshot<P>,
    exclude_status: StatusCode,
    target: Target<'static>,
    /// As the client sent it.
    parts: request::Parts,
}

impl<P: Policy> Screen<P> {
    pub(super) fn new(
        policy: Snapshot<P>,
        exclude_status: StatusCode,
        target: Target<'static>,
        parts: request::Parts,
    ) -> Self {
        Self {
            policy,
            exclude_status,
            target,
            parts,
        }
    }

    pub(super) fn is_head(&self) -> bool {
        self.parts.method == Method::HEAD
    }

    /// Whether the body has to be read. An error names no versions.
    pub(super) fn needs_content(&self, head: &response::Parts) -> Result<bool, String> {
        let encoding = head.headers.get(CONTENT_ENCODING);
        match head.status {
            status if !status.is_success() => Ok(false),
            StatusCode::OK if encoding.is_none_or(|encoding| encoding == "identity") => Ok(true),
            StatusCode::OK => Err("upstream response is encoded".to_owned()),
            status => Err(format!("upstream response has status {}", status.as_u16())),
        }
    }

    /// The response without the versions that are excluded.
    pub(super) fn response(
        &self,
        head: response::Parts,
        content: Result<Bytes, BoxError>,
    ) -> Response<Full<Bytes>> {
        let content = match content {
            Ok(content) => content,
            Err(error) if error.is::<LengthLimitError>() => {
                return unreadable("upstream response is too long");
            }
            Err(_) => return unreadable("upstream response broke off"),
        };
        if self.target.resource() == Resource::List {
            return with_content(head, self.allowed_lines(&content).into());
        }
        let version = match version_of(&content) {
            Ok(version) => version,
            Err(reason) => return unreadable(reason),
        };
        let module = self.target.module();
        let rule = self.rule(&version);
        if !rule.is_exclude() {
            with_content(head, content)
        } else if self.target.resource() == Resource::Latest {
            latest_excluded(&module, &version, &rule)
        } else {
            excluded(self.exclude_status, &module, Some(&version), &rule)
        }
    }

    /// A line begins with a version. One that does not is of no use to the go command.
    fn allowed_lines(&self, list: &[u8]) -> Vec<u8> {
        let mut allowed = Vec::with_capacity(list.len());
        for line in list.split(|byte| *byte == b'\n') {
            let version = str::from_utf8(line)
                .ok()
                .and_then(|line| line.split_ascii_whitespace().next())
                .and_then(|version| Version::new(version).ok());
            if version.is_some_and(|version| !self.rule(&version).is_exclude()) {
                allowed.extend_from_slice(line);
                allowed.push(b'\n');
            }
        }
        allowed
    }

    /// A version that the module cannot have is of no use to the go command, and breaks its `@latest`.
    fn rule(&self, version: &Version<'_>) -> Rule {
        match self.target.with_version(version) {
            Ok(target) => self.policy.get().rule(&target, &self.parts),
            Err(invalid) => Rule::exclude_because(invalid.to_string()),
        }
    }
}

/// Requests the whole content: what is encoded, or a part, or only said to be unchanged, cannot be searched.
pub(super) fn request_whole(parts: &mut request::Parts) {
    // Status and length of a response to HEAD depend on the content too.
    parts.method = Method::GET;
    for name in [
        RANGE,
        IF_RANGE,
        IF_MATCH,
        IF_NONE_MATCH,
        IF_MODIFIED_SINCE,
        IF_UNMODIFIED_SINCE,
    ] {
        parts.headers.remove(name);
    }
    let identity = const { HeaderValue::from_static("identity") };
    parts.headers.insert(ACCEPT_ENCODING, identity);
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

fn with_content(mut head: response::Parts, content: Bytes) -> Response<Full<Bytes>> {
    let sent = std::mem::take(&mut head.headers);
    for name in KEPT {
        for value in sent.get_all(&name) {
            head.headers.append(name.clone(), value.clone());
        }
    }
    head.headers.insert(CONTENT_LENGTH, content.len().into());
    Response::from_parts(head, content.into())
}
