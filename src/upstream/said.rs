//! What a registry says in place of a file.

use std::sync::Arc;

use http::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use http::{Method, Response, StatusCode};

use super::body::Parts;
use crate::shared_caches::has_directive;
use crate::source::error_text;

/// 4xx that are about our request, not about the module: nothing that a client could do something about.
const ABOUT_US: [u16; 9] = [401, 405, 407, 408, 412, 416, 417, 426, 431];

#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) status: StatusCode,
    /// Of a status that is passed, if it is fit to be shown.
    pub(super) text: Option<Arc<str>>,
    /// A number of seconds or a date.
    pub(super) retry_after: Option<HeaderValue>,
    /// Credentials of ours went along.
    pub(super) with_credentials: bool,
    /// Nobody may keep it.
    pub(super) no_store: bool,
}

impl Said {
    pub(super) async fn read(
        method: &Method,
        response: Response<Parts>,
        secrets: &[String],
    ) -> Self {
        let (head, body) = response.into_parts();
        let mut said = Self {
            status: head.status,
            text: None,
            retry_after: retry_after(&head.headers),
            with_credentials: !secrets.is_empty(),
            no_store: has_directive(&head.headers, "no-store"),
        };
        // Of other statuses it may be about hosts and users of ours.
        let is_about_file = said.is_refusal() && said.status != StatusCode::TOO_MANY_REQUESTS;
        if is_about_file && method != Method::HEAD {
            let text = error_text::read(&head.headers, body).await;
            // Shorter ones are no secrets, and in many words.
            let mut secrets = secrets.iter().filter(|secret| secret.len() > 3);
            let text = text.filter(|text| !secrets.any(|secret| text.contains(&**secret)));
            said.text = text.map(Into::into);
        }
        said
    }

    /// Whether a client gets the status as it is.
    pub(super) fn is_passed(&self) -> bool {
        match self.status {
            StatusCode::FORBIDDEN => !self.with_credentials,
            StatusCode::SERVICE_UNAVAILABLE => self.retry_after.is_some(),
            StatusCode::GATEWAY_TIMEOUT => true,
            status => status.is_client_error() && !ABOUT_US.contains(&status.as_u16()),
        }
    }

    /// Whether the registry does not have the file, or does not want to give it.
    pub(super) fn is_refusal(&self) -> bool {
        self.is_passed() && self.status.is_client_error()
    }

    pub(super) fn is_not_found(&self) -> bool {
        matches!(self.status, StatusCode::NOT_FOUND | StatusCode::GONE)
    }

    /// Whether the registry does not know us, or does not let us.
    pub(super) fn is_about_credentials(&self) -> bool {
        match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED => true,
            status => status == StatusCode::FORBIDDEN && self.with_credentials,
        }
    }

    /// What a client is told.
    pub(super) fn reason(&self) -> String {
        if let Some(text) = &self.text {
            text.to_string()
        } else if self.is_about_credentials() {
            "bad gateway: upstream refused access".to_owned()
        } else if !self.is_passed() {
            format!("bad gateway: upstream answered {}", self.status)
        } else {
            let reason = self.status.canonical_reason();
            reason.unwrap_or("upstream refused").to_ascii_lowercase()
        }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<HeaderValue> {
    let header = headers.get(RETRY_AFTER)?;
    let value = header.to_str().ok()?.trim();
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let is_seconds = digits && (1..=9).contains(&value.len());
    (is_seconds || httpdate::parse_http_date(value).is_ok()).then(|| header.clone())
}
