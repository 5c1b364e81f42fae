//! The head of a response: what it says, and what of it is passed on.

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, PROXY_AUTHENTICATE, RETRY_AFTER, SET_COOKIE,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE, WWW_AUTHENTICATE,
};
use http::{Method, Response, StatusCode, Version};
use http_body::Body;
use tower::BoxError;

use super::error::{Kind, UpstreamError};
use super::text;

/// Hop-by-hop (RFC 9110, section 7.6.1), or about the upstream's own host and users.
const NOT_PASSED: [HeaderName; 14] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    PROXY_AUTHENTICATE,
    WWW_AUTHENTICATE,
    SET_COOKIE,
    HeaderName::from_static("set-cookie2"),
    HeaderName::from_static("alt-svc"),
    HeaderName::from_static("strict-transport-security"),
    HeaderName::from_static("clear-site-data"),
];

/// The headers for the client: end-to-end ones, without those about the upstream's own host and users.
pub(super) fn passed(headers: &HeaderMap) -> HeaderMap {
    let mut passed = headers.clone();
    let listed = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    for name in listed {
        if let Ok(name) = HeaderName::try_from(name.trim()) {
            passed.remove(name);
        }
    }
    for name in NOT_PASSED {
        passed.remove(name);
    }
    passed
}

/// The declared length of the body.
pub(super) fn length<B: Body>(response: &Response<B>) -> Option<u64> {
    match response.headers().get(CONTENT_LENGTH) {
        Some(value) => {
            let digits = value.as_bytes().iter().all(u8::is_ascii_digit);
            let value = value.to_str().ok().filter(|_| digits)?;
            value.parse().ok()
        }
        None => response.body().size_hint().exact(),
    }
}

/// Whether only the end of the connection ends the body (RFC 9112, section 8): one that was cut short cannot be told
/// from a whole one.
pub(super) fn is_close_delimited<B: Body>(response: &Response<B>) -> bool {
    response.version() <= Version::HTTP_11
        && length(response).is_none()
        && !response.headers().contains_key(TRANSFER_ENCODING)
}

/// Passes a 200 and turns everything else into the error it stands for.
pub(super) async fn judge<B>(
    method: &Method,
    response: Response<B>,
) -> Result<Response<B>, UpstreamError>
where
    B: Body<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let status = response.status();
    let (head, body) = response.into_parts();
    let kind = match status {
        StatusCode::OK => return Ok(Response::from_parts(head, body)),
        StatusCode::NOT_FOUND | StatusCode::GONE => Kind::NotFound {
            gone: status == StatusCode::GONE,
            text: match *method {
                Method::HEAD => None,
                _ => text::read(&head.headers, body).await.map(Into::into),
            },
        },
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Kind::Credentials(status),
        StatusCode::TOO_MANY_REQUESTS => Kind::TooMany(retry_after(&head.headers).map(Into::into)),
        _ => Kind::Status(
            status,
            retry_after(&head.headers).and_then(|value| value.parse().ok()),
        ),
    };
    Err(UpstreamError::new(kind))
}

/// The value of `Retry-After`, a number of seconds or a date, if it can be either.
fn retry_after(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds =
        value.len() <= 9 && !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    (seconds || httpdate::parse_http_date(value).is_ok()).then_some(value)
}
