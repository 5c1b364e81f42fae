//! How a client finds another version than `@latest` of a module whose service can be asked once for each request.

use std::fmt;

use http::header::LOCATION;
use http::{HeaderValue, StatusCode};

use super::read::{Answer, answer};
use crate::module::Version;
use crate::reply;

/// What the query of a request for `@latest` begins with, if it is for another version than an excluded one.
const QUERY: &str = "instead-of=";

/// The version that `@latest` must not be.
#[derive(Clone)]
pub(super) struct InsteadOf(pub(super) Version<'static>);

impl InsteadOf {
    pub(super) fn of_query(query: Option<&str>) -> Option<Self> {
        let version = query?.strip_prefix(QUERY)?;
        let version = Version::from_escaped(version).ok()?;
        Some(Self(version.into_owned()))
    }
}

/// Relative to `@latest`.
impl fmt::Display for InsteadOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@latest?{QUERY}{}", self.0.escaped())
    }
}

/// 303 to an address relative to `@latest`, wherever the proxy is mounted.
pub(super) fn see_other(location: &str) -> Answer {
    let mut response = reply::text(StatusCode::SEE_OTHER, "another version is allowed");
    // A version is ASCII without blanks; the fallback is for the compiler.
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    answer(response)
}
