//! Keeps excluded versions out of lists and of `@latest`.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ETAG, TRANSFER_ENCODING};
use http::{Method, Response, StatusCode, request, response};
use http_body_util::Full;
use serde_json::Value;

use crate::info;
use crate::module::Version;
use crate::policy::{Policy, Rule};
use crate::reply;
use crate::target::{Resource, Target};

/// A request whose answer has to be looked through.
#[derive(Debug)]
pub(super) struct Screen<P> {
    pub(super) policy: Arc<P>,
    pub(super) exclude_status: StatusCode,
    pub(super) target: Target<'static>,
    pub(super) parts: request::Parts,
}

/// What the head of an answer asks for.
pub(super) enum Look {
    /// Nothing: it is an error, which names no versions.
    Pass,
    /// Its body, to be given to [`Screen::content`].
    Body,
    /// It has no body, and its length would be the wrong one.
    NoBody,
    /// It cannot be looked through.
    Refuse(Response<Full<Bytes>>),
}

impl<P: Policy> Screen<P> {
    pub(super) fn look(&self, head: &mut response::Parts) -> Look {
        if !head.status.is_success() {
            return Look::Pass;
        }
        if head.status != StatusCode::OK {
            return Look::Refuse(unreadable("it is no plain answer"));
        }
        if head
            .headers
            .get(CONTENT_ENCODING)
            .is_some_and(|encoding| encoding != "identity")
        {
            return Look::Refuse(unreadable("it is encoded"));
        }
        for name in [CONTENT_LENGTH, ETAG, TRANSFER_ENCODING] {
            head.headers.remove(name);
        }
        match self.parts.method {
            Method::HEAD => Look::NoBody,
            _ => Look::Body,
        }
    }

    pub(super) fn content(&self, head: response::Parts, content: &[u8]) -> Response<Full<Bytes>> {
        if self.target.resource() == Resource::List {
            return with_body(head, self.allowed_lines(content));
        }
        let version = match version_of(content) {
            Ok(version) => version,
            Err(reason) => return unreadable(reason),
        };
        if self.allows(&version) {
            return with_body(head, content.to_vec());
        }
        let module = self.target.module();
        if self.target.resource() == Resource::Latest {
            // 404 lets the go command look for a version in the list instead.
            let text = format!("not found: {module}@latest is {version}, which is excluded");
            return reply::text(StatusCode::NOT_FOUND, &text);
        }
        let text = format!("{module}@{version} is excluded by the rules of this proxy");
        reply::text(self.exclude_status, &text)
    }

    /// A line begins with a version; one that does not is of no use to the go command.
    fn allowed_lines(&self, list: &[u8]) -> Vec<u8> {
        let mut allowed = Vec::with_capacity(list.len());
        for line in list.split(|byte| *byte == b'\n') {
            let version = str::from_utf8(line)
                .ok()
                .and_then(|line| line.split_ascii_whitespace().next())
                .and_then(|version| Version::new(version).ok());
            if version.is_some_and(|version| self.allows(&version)) {
                allowed.extend_from_slice(line);
                allowed.push(b'\n');
            }
        }
        allowed
    }

    /// A version that does not fit the module is of no use either, and breaks `@latest` for the
    /// go command if it is in a list.
    fn allows(&self, version: &Version<'_>) -> bool {
        self.target
            .with_version(version)
            .is_ok_and(|target| self.policy.classify(&target, &self.parts) != Rule::Exclude)
    }
}

fn version_of(content: &[u8]) -> Result<Version<'static>, &'static str> {
    let info = info::parse(content).map_err(|_| "it is no JSON object")?;
    match info::field(&info, "Version").map_err(|_| "it names two versions")? {
        Some(Value::String(version)) => Version::new(version.as_str())
            .map(Version::into_owned)
            .map_err(|_| "it names a malformed version"),
        _ => Err("it names no version"),
    }
}

fn with_body(head: response::Parts, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::from_parts(head, Full::default());
    response
        .headers_mut()
        .insert(CONTENT_LENGTH, body.len().into());
    *response.body_mut() = body.into();
    response
}

pub(super) fn unreadable(reason: &str) -> Response<Full<Bytes>> {
    let text = format!("the answer cannot be searched for excluded versions: {reason}");
    reply::text(StatusCode::BAD_GATEWAY, &text)
}
