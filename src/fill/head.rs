//! The heads of answers.

use headers::{CacheControl, ContentRange, ETag, HeaderMapExt};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue,
};
use http::{HeaderMap, Response, StatusCode};

use super::conditional::Plan;
use crate::target::{Resource, Target};

/// RFC 9211: how the storage took part in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CacheStatus {
    /// From the storage.
    Hit,
    /// From a new fill.
    Stored,
    /// From a fill that was already running.
    Collapsed,
    /// From the source, and not stored.
    Miss,
    /// Not something that is stored.
    Bypass,
}

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

impl CacheStatus {
    /// Added to what caches nearer to the origin have said, as section 2 of the RFC wants it.
    pub(super) fn add_to(self, headers: &mut HeaderMap) {
        let value = match self {
            Self::Hit => "tower-goproxy; hit",
            Self::Stored => "tower-goproxy; fwd=miss; stored",
            Self::Collapsed => "tower-goproxy; fwd=miss; collapsed",
            Self::Miss => "tower-goproxy; fwd=miss",
            Self::Bypass => "tower-goproxy; fwd=bypass",
        };
        headers.append(CACHE_STATUS, HeaderValue::from_static(value));
    }
}

/// The most headers that an answer has.
const HEADERS: usize = 8;

/// A version of a module never changes, so its name is a strong validator; with its length a
/// copy that was cut short somewhere is not taken for the same. It is known as soon as the length
/// is, so that a transfer that broke while the file was filled can be resumed from the storage.
pub(super) fn etag(target: &Target<'_>, len: u64) -> Option<ETag> {
    let (_, file) = target.as_str().rsplit_once("/@v/")?;
    format!("\"{file}-{len:x}\"").parse().ok()
}

/// The head for a file of this length, and the plan carried out as far as a head can.
pub(super) fn of_file(target: &Target<'_>, len: Option<u64>, plan: &Plan) -> Response<()> {
    let known = len.map(|len| (len, etag(target, len)));
    of_known(target.resource(), known, plan)
}

/// The head for a file whose length and tag are known, or neither.
pub(super) fn of_known(
    resource: Resource,
    known: Option<(u64, Option<ETag>)>,
    plan: &Plan,
) -> Response<()> {
    let mut response = Response::new(());
    let headers = response.headers_mut();
    // Room for all of them at once.
    headers.reserve(HEADERS);
    headers.insert(CONTENT_TYPE, content_type(resource));
    headers.insert(
        CACHE_CONTROL,
        const { HeaderValue::from_static("public, max-age=31536000, immutable") },
    );
    let Some((len, etag)) = known else {
        return response;
    };
    headers.insert(ACCEPT_RANGES, const { HeaderValue::from_static("bytes") });
    if let Some(etag) = etag {
        headers.typed_insert(etag);
    }
    let (status, content) = match plan {
        Plan::Whole => (StatusCode::OK, Some(len)),
        Plan::Part(range) => {
            // A plan's range is not empty and lies inside the file.
            if let Ok(range) = ContentRange::bytes(range.clone(), len) {
                headers.typed_insert(range);
            }
            (StatusCode::PARTIAL_CONTENT, Some(range.end - range.start))
        }
        Plan::NotModified => (StatusCode::NOT_MODIFIED, None),
        Plan::PreconditionFailed => {
            headers.remove(CACHE_CONTROL);
            (StatusCode::PRECONDITION_FAILED, Some(0))
        }
        Plan::NotSatisfiable => {
            headers.typed_insert(ContentRange::unsatisfied_bytes(len));
            headers.remove(CACHE_CONTROL);
            (StatusCode::RANGE_NOT_SATISFIABLE, Some(0))
        }
    };
    if let Some(content) = content {
        headers.insert(CONTENT_LENGTH, content.into());
    }
    *response.status_mut() = status;
    response
}

/// An answer for one owner is for no cache that others use (RFC 9111, section 5.2.2.7), whatever a source has said.
pub(super) fn make_private(headers: &mut HeaderMap) {
    let said: CacheControl = headers.typed_get().unwrap_or_else(CacheControl::new);
    if said.no_store() {
        return;
    }
    let mut private = CacheControl::new().with_private();
    if said.no_cache() {
        private = private.with_no_cache();
    }
    if said.immutable() {
        private = private.with_immutable();
    }
    if let Some(age) = said.max_age() {
        private = private.with_max_age(age);
    }
    headers.typed_insert(private);
}

fn content_type(resource: Resource) -> HeaderValue {
    HeaderValue::from_static(resource.content_type())
}
