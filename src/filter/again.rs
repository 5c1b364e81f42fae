use http::header::{
    ACCEPT_ENCODING, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
    RANGE,
};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Uri, request};

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
pub(super) fn again(first: &request::Parts, target: Target<'static>) -> request::Parts {
    let mut parts = first.clone();
    parts.uri = with_path(&parts.uri, &target.to_uri_path());
    if let Some(applied) = parts.extensions.get_mut::<AppliedRule>() {
        applied.target = target;
    }
    parts
}

/// The same scheme and host with this path and query.
pub(super) fn with_path(uri: &Uri, path: &str) -> Uri {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(path).ok();
    // The path is percent-encoded and the rest comes from a URI; the fallback is for the compiler.
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}
