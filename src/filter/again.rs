use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
    RANGE,
};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Uri, request};
use http_body_util::Empty;

use super::applied_rule::AppliedRule;
use crate::redirect::ReadByFilter;
use crate::target::Target;

/// Requests the whole content: what is encoded, or a part, or elsewhere, or only said to be unchanged, cannot be searched.
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
    parts.extensions.insert(ReadByFilter);
}

/// A further request for the same client.
pub(super) fn again(first: &request::Parts, target: Target<'static>) -> Request<Empty<Bytes>> {
    let mut parts = first.clone();
    parts.uri = at(&parts.uri, &target);
    if let Some(applied) = parts.extensions.get_mut::<AppliedRule>() {
        applied.target = target;
    }
    Request::from_parts(parts, Empty::new())
}

/// The same scheme and host with the path of this target.
pub(super) fn at(uri: &Uri, target: &Target<'_>) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(target.to_uri_path()).ok();
    // The path is percent-encoded and the rest comes from a URI; the fallback is for the compiler.
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}
