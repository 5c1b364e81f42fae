//! What clients get of an answer.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Response, StatusCode, request};
use http_body_util::Full;
use tokio::time::Instant;

use super::question::Question;
use super::said::Said;
use crate::reply::{self, NO_STORE, TEXT_PLAIN};
use crate::shared_caches::{SharedCaches, make_private};
use crate::source::Area;

// RFC 9211: from this layer, fresh or not; from the source, for this request or for one that was already waiting.
pub(super) const HIT: &str = "tower-goproxy; hit";
pub(super) const STALE: &str = "tower-goproxy; hit; detail=stale";
pub(super) const ASKED: &str = "tower-goproxy; fwd=miss";
pub(super) const COLLAPSED: &str = "tower-goproxy; fwd=miss; collapsed";

/// The same for everybody who asks the same. No header of the source is in it: they may describe other bytes, or make a
/// server in front of ours do something.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    pub(super) status: StatusCode,
    pub(super) content: Bytes,
    /// It is for no cache that several users share.
    pub(super) private: bool,
    pub(super) caching: Caching,
}

/// What is said to the caches of clients.
#[derive(Clone, Copy, Debug)]
pub(super) enum Caching {
    /// It is fresh until then.
    Until(Instant),
    /// It was fresh once.
    Stale,
    Never,
    /// Never, and the source wants to be left alone until then.
    RetryAt(Instant),
}

impl Shown {
    pub(super) fn of(said: &Said, caching: Caching) -> Self {
        Self {
            status: said.status,
            content: said.content.clone(),
            private: said.private,
            caching,
        }
    }

    /// One of our own: nobody keeps it.
    pub(super) fn text(status: StatusCode, text: &str) -> Self {
        Self::absent(status, reply::line(text))
    }

    /// What a source once said of something that does not exist.
    pub(super) fn absent(status: StatusCode, text: String) -> Self {
        Self {
            status,
            content: text.into(),
            private: false,
            caching: Caching::Never,
        }
    }

    pub(super) fn retry_in(self, wait: Duration) -> Self {
        let caching = Caching::RetryAt(Instant::now() + wait);
        Self { caching, ..self }
    }

    pub(super) fn stale(self) -> Self {
        let caching = Caching::Stale;
        Self { caching, ..self }
    }

    /// The response for one client.
    pub(super) fn response(
        &self,
        question: &Question,
        client: &request::Parts,
        caches: SharedCaches,
        state: &'static str,
    ) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::default());
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let resource = question.target.resource();
        let kind = match self.status {
            StatusCode::OK => HeaderValue::from_static(resource.content_type()),
            _ => TEXT_PLAIN,
        };
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(CONTENT_LENGTH, self.content.len().into());
        headers.insert(CACHE_CONTROL, self.cache_control());
        if let Caching::RetryAt(then) = self.caching {
            headers.insert(RETRY_AFTER, seconds_until(then).max(1).into());
        }
        headers.insert("cache-status", HeaderValue::from_static(state));
        let restricted = self.private || question.area == Area::Direct || question.access.is_some();
        if caches.makes_private(&client.headers, &client.extensions, restricted) {
            make_private(headers);
        }
        if client.method != Method::HEAD {
            *response.body_mut() = Full::new(self.content.clone());
        }
        response
    }

    fn cache_control(&self) -> HeaderValue {
        match self.caching {
            Caching::Until(then) => {
                let value = format!("public, max-age={}", seconds_until(then));
                // It is made of plain words; the fallback is for the compiler.
                HeaderValue::try_from(value).unwrap_or(NO_STORE)
            }
            Caching::Stale => HeaderValue::from_static("no-cache"),
            Caching::Never | Caching::RetryAt(_) => NO_STORE,
        }
    }
}

/// Rounded up: none is not the same as a part of one.
fn seconds_until(then: Instant) -> u64 {
    let left = then.saturating_duration_since(Instant::now());
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}
