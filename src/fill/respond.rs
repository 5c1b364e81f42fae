//! The responses out of a running fill.

use std::io;

use futures_util::stream::TryStreamExt;
use http::Response;
use http::request::Parts;

use super::body::ResponseBody;
use super::conditional;
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

/// The head and the body out of a running fill that is far enough.
pub(super) fn running(
    target: &Target<'_>,
    request: &Parts,
    client: Client,
    file: File,
) -> (Response<()>, ResponseBody) {
    let tag = match target.resource() {
        // It is whole.
        Resource::Info | Resource::Mod => etag::of_content(client.running.spool.pieces(0)),
        _ => client.running.tag.clone(),
    };
    let (head, start, end) = conditional::wanted(request, target, file.len, &tag);
    if end == Some(start) {
        return (head, ResponseBody::default());
    }
    let file = target.to_string();
    let frames = client.running.spool.frames(start, end);
    let frames = frames.inspect_err(move |error| {
        // The client goes with the body: while it reads, the fill has somebody to run for.
        let _client = &client;
        // Else it is the end that the fill has said, and logged.
        if error.is::<io::Error>() {
            observe::storage_failed(&format_args!("{file} cannot be read back: {error}"));
        }
    });
    let body = ResponseBody::frames(frames, end.map(|end| end - start));
    (head, body)
}
