//! Asking for the rest of a body that broke off.

use http::header::{
    ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_RANGE, DATE, ETAG, HeaderMap, HeaderName, HeaderValue,
    IF_RANGE, LAST_MODIFIED, RANGE,
};
use http::{Response, StatusCode};

use super::error::{Kind, UpstreamError};

/// What makes sure that the rest is of the same bytes: a strong validator and the length of the whole.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    length: u64,
    /// The name of its header, and its value.
    validator: (HeaderName, HeaderValue),
}

impl Identity {
    /// `None` if the response has no strong validator, or says that ranges cannot be asked for.
    pub(super) fn of(headers: &HeaderMap, length: Option<u64>) -> Option<Self> {
        let length = length?;
        let ranges = headers.get(ACCEPT_RANGES);
        if ranges.is_some_and(|value| value == "none") {
            return None;
        }
        let validator = match headers.get(ETAG) {
            // A weak tag is no promise about bytes (RFC 9110, section 13.1.5), nor is a date beside it.
            Some(tag) if !tag.as_bytes().starts_with(b"\"") => return None,
            Some(tag) => (ETAG, tag.clone()),
            None => (LAST_MODIFIED, strong_date(headers)?.clone()),
        };
        Some(Self { length, validator })
    }

    /// The head of a request for everything from `offset` on.
    pub(super) fn condition(&self, offset: u64) -> HeaderMap {
        let mut headers = HeaderMap::with_capacity(2);
        if let Ok(range) = HeaderValue::try_from(format!("bytes={offset}-")) {
            headers.insert(RANGE, range);
        }
        headers.insert(IF_RANGE, self.validator.1.clone());
        headers
    }

    /// The end of the bytes in `response`, if these are bytes from `offset` on, of the same file.
    pub(super) fn check<B>(
        &self,
        response: &Response<B>,
        offset: u64,
    ) -> Result<u64, UpstreamError> {
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {}
            // It may pass.
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                return Err(UpstreamError::new(Kind::Broken));
            }
            _ => return Err(other()),
        }
        let headers = response.headers();
        let (name, validator) = &self.validator;
        let same = match headers.get(name) {
            Some(value) => value == validator,
            // A 206 need not repeat the date.
            None => name == LAST_MODIFIED,
        };
        // A range of an encoded body is one of other bytes.
        let same = same && !headers.contains_key(CONTENT_ENCODING);
        let range = headers.get(CONTENT_RANGE).and_then(|value| {
            let last = value
                .to_str()
                .ok()?
                .strip_prefix(&format!("bytes {offset}-"))?;
            last.strip_suffix(&format!("/{}", self.length))?
                .parse()
                .ok()
        });
        let is_rest = |last: &u64| same && (offset..self.length).contains(last);
        let last = range.filter(is_rest).ok_or_else(other)?;
        Ok(last + 1)
    }
}

/// `Last-Modified`, if it is a strong validator: at least a second before `Date` (RFC 9110, section 8.8.2.2).
fn strong_date(headers: &HeaderMap) -> Option<&HeaderValue> {
    let modified = headers.get(LAST_MODIFIED)?;
    let parse = |value: &HeaderValue| httpdate::parse_http_date(value.to_str().ok()?).ok();
    let age = parse(headers.get(DATE)?)?
        .duration_since(parse(modified)?)
        .ok()?;
    (age.as_secs() >= 1).then_some(modified)
}

/// What came back for the rest of a broken body is not that rest.
fn other() -> UpstreamError {
    UpstreamError::new(Kind::Unfit("sent another file for the rest of a body"))
}

#[cfg(test)]
mod tests {
    use super::Identity;
    use http::header::HeaderMap;
    use http::{HeaderName, HeaderValue, Response};

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn only_a_strong_validator_with_a_length_can_be_resumed() {
        let old = ("last-modified", "Mon, 01 Jan 2024 00:00:00 GMT");
        let date = ("date", "Mon, 01 Jan 2024 00:00:01 GMT");
        for (lines, can) in [
            (&[("etag", "\"a\"")][..], true),
            (&[("etag", "\"a\""), ("accept-ranges", "bytes")], true),
            (&[("etag", "\"a\""), ("accept-ranges", "none")], false),
            (&[("etag", "W/\"a\"")], false),
            (&[("etag", "W/\"a\""), old, date], false),
            (&[old, date], true),
            (&[old], false),
            (&[old, ("date", "Mon, 01 Jan 2024 00:00:00 GMT")], false),
            (&[], false),
        ] {
            assert_eq!(
                Identity::of(&headers(lines), Some(10)).is_some(),
                can,
                "{lines:?}"
            );
        }
        assert!(Identity::of(&headers(&[("etag", "\"a\"")]), None).is_none());
    }

    #[test]
    fn only_the_rest_of_the_same_file_is_taken() {
        let identity = Identity::of(&headers(&[("etag", "\"a\"")]), Some(10)).unwrap();
        for (status, etag, range, fits) in [
            (206, "\"a\"", "bytes 4-9/10", true),
            (206, "\"a\"", "bytes 4-6/10", true),
            (206, "\"b\"", "bytes 4-9/10", false),
            (206, "W/\"a\"", "bytes 4-9/10", false),
            (206, "\"a\"", "bytes 3-9/10", false),
            (206, "\"a\"", "bytes 4-10/11", false),
            (206, "\"a\"", "bytes 4-10/10", false),
            (206, "\"a\"", "bytes 4-9/*", false),
            (206, "\"a\"", "bytes +4-9/10", false),
            (200, "\"a\"", "bytes 4-9/10", false),
            (404, "\"a\"", "bytes 4-9/10", false),
        ] {
            let response = Response::builder()
                .status(status)
                .header("etag", etag)
                .header("content-range", range)
                .body(())
                .unwrap();
            assert_eq!(
                identity.check(&response, 4).is_ok(),
                fits,
                "{status} {etag} {range}"
            );
        }
    }
}
