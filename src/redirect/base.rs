use std::error::Error;
use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use http::header::LOCATION;
use http::uri::Scheme;
use http::{HeaderValue, Response, StatusCode, Uri};
use http_body_util::Full;

use crate::reply;

/// The address of a registry, to which paths of modules are appended: an `http` or `https` URL
/// without a query, a fragment, or credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base(String);

/// An address that cannot be the target of a redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidBase {
    address: String,
    reason: &'static str,
}

impl Base {
    pub(crate) fn new(address: &str) -> Result<Self, InvalidBase> {
        let invalid = |reason| InvalidBase {
            address: without_credentials(address),
            reason,
        };
        if address.contains([',', '|']) {
            return Err(invalid("a list, but a redirect leads to one registry"));
        }
        let uri: Uri = address.parse().map_err(|_| invalid("not a URL"))?;
        let scheme = uri.scheme();
        if scheme != Some(&Scheme::HTTP) && scheme != Some(&Scheme::HTTPS) {
            return Err(invalid("must begin with http:// or https://"));
        }
        if uri.query().is_some() || address.contains('#') {
            return Err(invalid("must not have a query or a fragment"));
        }
        // The parser drops it, and the paths would all come behind it.
        if uri
            .authority()
            .is_some_and(|host| host.as_str().contains('@'))
        {
            return Err(invalid(
                "must not have credentials, which every client would see",
            ));
        }
        Ok(Self(address.trim_end_matches('/').to_owned()))
    }

    /// 303 to this address with a path, which begins with a slash, and with the query of this URI.
    pub(crate) fn see_other(&self, path: &str, uri: &Uri) -> Response<Full<Bytes>> {
        let query = uri.query().map(|query| format!("?{query}"));
        let location = format!("{}{path}{}", self.0, query.unwrap_or_default());
        // Both halves came out of a parsed URI; this is for the compiler.
        let Ok(location) = HeaderValue::try_from(location) else {
            return reply::text(StatusCode::BAD_REQUEST, "the path cannot be redirected");
        };
        let mut response = reply::text(StatusCode::SEE_OTHER, "the file is at the upstream");
        response.headers_mut().insert(LOCATION, location);
        response
    }
}

/// For a message, which may go into a log.
fn without_credentials(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((_, host)) => format!("(credentials)@{host}"),
        None => address.to_owned(),
    }
}

impl FromStr for Base {
    type Err = InvalidBase;

    /// As [`Redirect::to`](super::Redirect::to).
    fn from_str(address: &str) -> Result<Self, InvalidBase> {
        Self::new(address)
    }
}

impl fmt::Display for Base {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for InvalidBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot redirect to {:?}: {}", self.address, self.reason)
    }
}

impl Error for InvalidBase {}
