use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;

use crate::module::{ModulePath, Version};
use crate::policy::Rule;
use crate::reply;

pub(super) fn excluded(
    status: StatusCode,
    module: &ModulePath<'_>,
    version: Option<&Version<'_>>,
    rule: &Rule,
) -> Response<Full<Bytes>> {
    let what = match version {
        Some(version) => format!("{module}@{version}"),
        None => module.to_string(),
    };
    let text = match rule.reason() {
        Some(reason) => format!("{what} is excluded: {reason}"),
        None => format!("{what} is excluded by the rules of this proxy"),
    };
    reply::text(status, &text)
}
