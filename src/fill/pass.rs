//! Answers of a source that are not stored, on their way through.

use bytes::Bytes;
use http::{Response, StatusCode, Version};
use http_body::Body;
use http_body_util::{BodyExt, Full, Limited};
use tower::BoxError;

use super::body::ResponseBody;
use super::head::CacheStatus;
use crate::observe;
use crate::reply;

/// The most that is collected for a client that needs the length: the longest lists of versions
/// have a small part of this.
const MOST: usize = 16 * 1024 * 1024;

/// What a client of this version can be given. To one of HTTP/1.0 the end of the connection is
/// the end of a body without a length, so a broken one would look whole: it gets the length too.
pub(super) async fn pass<SB>(
    response: Response<SB>,
    version: Version,
    status: CacheStatus,
) -> Response<ResponseBody<SB>>
where
    SB: Body<Data = Bytes>,
    SB::Error: Into<BoxError>,
{
    let mut response = match response.body().size_hint().exact() {
        None if version < Version::HTTP_11 => collect(response).await,
        _ => response.map(ResponseBody::source),
    };
    status.add_to(response.headers_mut());
    response
}

async fn collect<SB>(response: Response<SB>) -> Response<ResponseBody<SB>>
where
    SB: Body<Data = Bytes>,
    SB::Error: Into<BoxError>,
{
    let (parts, body) = response.into_parts();
    match Limited::new(body, MOST).collect().await {
        // The length of it is known now, and the server says it.
        Ok(whole) => Response::from_parts(parts, ResponseBody::reply(Full::new(whole.to_bytes()))),
        Err(error) => {
            observe::source_failed("an answer without a length broke off", &error);
            let text = "the source gave no whole answer, and HTTP/1.0 takes no other";
            reply::text(StatusCode::BAD_GATEWAY, text).map(ResponseBody::reply)
        }
    }
}
