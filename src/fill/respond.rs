//! The heads of responses, and the bodies of files.

use std::io;

use futures_util::stream::{self, TryStreamExt};
use headers::{ContentRange, ETag, HeaderMapExt};
use http::header::{ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};

use super::body::ResponseBody;
use super::conditional::{Plan, plan};
use super::table::{Client, File};
use crate::etag;
use crate::observe;
use crate::target::{Resource, Target};

// RFC 9211: how the storage took part in a response. From the storage; from a new fill; from one that was already running;
// from the source, and not stored; something else, while a new fill runs; not something that is stored.
pub(super) const HIT: &str = "tower-goproxy; hit";
pub(super) const STORED: &str = "tower-goproxy; fwd=miss; stored";
pub(super) const ATTACHED: &str = "tower-goproxy; fwd=miss; collapsed";
pub(super) const MISS: &str = "tower-goproxy; fwd=miss";
pub(super) const FILLING: &str = "tower-goproxy; fwd=miss; detail=filling";
pub(super) const BYPASS: &str = "tower-goproxy; fwd=bypass";

/// The head for a file, and the plan carried out as far as a head can.
pub(super) fn head(
    target: &Target<'_>,
    len: Option<u64>,
    tag: Option<&ETag>,
    plan: &Plan,
) -> Response<()> {
    let mut response = Response::new(());
    let headers = response.headers_mut();
    let content_type = HeaderValue::from_static(target.resource().content_type());
    headers.insert(CONTENT_TYPE, content_type);
    let immutable = HeaderValue::from_static("public, max-age=31536000, immutable");
    headers.insert(CACHE_CONTROL, immutable);
    if let Some(tag) = tag {
        headers.typed_insert(tag.clone());
    }
    if len.is_some() {
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    }
    let (status, content) = match plan {
        Plan::Whole => (StatusCode::OK, len),
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
            headers.typed_insert(ContentRange::unsatisfied_bytes(len.unwrap_or_default()));
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

/// The head and the body out of a running fill that is far enough.
pub(super) fn running(
    target: &Target<'_>,
    request: &Parts,
    client: Client,
    file: File,
) -> (Response<()>, ResponseBody) {
    let tag = match target.resource() {
        // It is whole.
        Resource::Info | Resource::Mod => etag::of_content(client.running.spool.pieces()),
        _ => client.running.tag.clone(),
    };
    let plan = plan(request, &tag, file.len);
    let head = head(target, file.len, Some(&tag), &plan);
    let (start, end) = match plan {
        Plan::Whole if request.method != Method::HEAD => (0, file.len),
        Plan::Part(range) => (range.start, Some(range.end)),
        _ => return (head, ResponseBody::default()),
    };
    let reader = client.running.spool.reader(start, end);
    let file = target.to_string();
    // The client goes with the body: while it reads, the fill has somebody to run for.
    let frames = stream::unfold((reader, client), |(mut reader, client)| async {
        let frame = reader.next().await.transpose()?;
        Some((frame, (reader, client)))
    });
    let frames = frames.inspect_err(move |error| {
        // Else it is the end that the fill has said, and logged.
        if error.is::<io::Error>() {
            observe::storage_failed(&format_args!("{file} cannot be read back: {error}"));
        }
    });
    let body = ResponseBody::frames(frames, end.map(|end| end - start));
    (head, body)
}
