//! Which redirects are followed, and what goes along.

use std::sync::Arc;

use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use http::uri::Scheme;
use http::{Extensions, HeaderName, Request, Uri};
use tower_http::follow_redirect::policy::{Action, Attempt, Policy};

use super::error::{Kind, UpstreamError};

/// How many redirects are followed for one request.
const MOST: u32 = 10;

/// The policy of one request: to any host, but never from https to http, and to other hosts without credentials.
///
/// As in the go command it is the host's name that counts: another port is the same host.
#[derive(Clone, Debug)]
pub(super) struct Hops {
    home: String,
    secrets: Arc<[HeaderName]>,
    left: u32,
}

impl Hops {
    pub(super) fn from_home(home: &str, configured: impl Iterator<Item = HeaderName>) -> Self {
        Self {
            home: home.to_owned(),
            secrets: configured
                .chain([AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE])
                .collect(),
            left: MOST,
        }
    }
}

impl<B> Policy<B, UpstreamError> for Hops {
    fn redirect(&mut self, attempt: &Attempt<'_>) -> Result<Action, UpstreamError> {
        let refuse = |why| Err(UpstreamError::new(Kind::Redirect(why)));
        let scheme = attempt.location().scheme();
        if scheme != Some(&Scheme::HTTP) && scheme != Some(&Scheme::HTTPS) {
            return refuse("redirected to an unsupported scheme");
        }
        if attempt.previous().scheme() == Some(&Scheme::HTTPS) && scheme == Some(&Scheme::HTTP) {
            return refuse("redirected from a secure URL to an insecure one");
        }
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return refuse("stopped after 10 redirects"),
        }
        Ok(Action::Follow)
    }

    fn on_request(&mut self, request: &mut Request<B>) {
        if let Some(uri) = without_userinfo(request.uri()) {
            *request.uri_mut() = uri;
        }
        let host = request.uri().host().unwrap_or_default();
        if !host.eq_ignore_ascii_case(&self.home) {
            for name in &*self.secrets {
                request.headers_mut().remove(name);
            }
            *request.extensions_mut() = Extensions::new();
        }
    }
}

/// The URI of a `Location` that names a user: those credentials are nobody's we know, and HTTP/2 forbids them in a
/// request (RFC 9113, section 8.3.1).
fn without_userinfo(uri: &Uri) -> Option<Uri> {
    let (_, host) = uri.authority()?.as_str().rsplit_once('@')?;
    let mut parts = uri.clone().into_parts();
    parts.authority = Some(host.parse().ok()?);
    Uri::from_parts(parts).ok()
}
