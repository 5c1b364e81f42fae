//! Which redirects are followed, and what goes along.

use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use http::uri::Scheme;
use http::{Extensions, HeaderName, Request, Uri};
use tower_http::follow_redirect::policy::{Action, Attempt, Policy};

use super::error::{Kind, UpstreamError};
use crate::source::address::{is_public, literal};

/// How many redirects are followed for one request.
const MOST: u32 = 10;

type StepRule = dyn Fn(&Uri, &Uri) -> bool + Send + Sync;

/// A rule of the user's: from where, to where.
#[derive(Clone)]
pub(super) struct MayStep(pub(super) Arc<StepRule>);

impl fmt::Debug for MayStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MayStep")
    }
}

/// In the extensions of a request: the built-in client connects to public addresses only.
#[derive(Clone, Copy, Debug)]
pub(super) struct PublicOnly;

/// Whether the registry itself is at a private address, once that is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Inside(Arc<OnceLock<bool>>);

impl Inside {
    /// By the address of the connection, which the name of a host does not tell.
    pub(super) fn learn(&self, address: Option<IpAddr>) {
        if let Some(address) = address {
            self.0.get_or_init(|| !is_public(address));
        }
    }
}

/// The policy of one request: to any host, but never from https to http, from public addresses to private ones, and
/// to other hosts with credentials.
///
/// As in the go command it is the host's name that counts for credentials: another port is the same host.
#[derive(Clone, Debug)]
pub(super) struct Hops {
    home: String,
    secrets: Arc<[HeaderName]>,
    inside: Inside,
    may_step: Option<MayStep>,
    left: u32,
}

impl Hops {
    pub(super) fn from_home(
        home: &Uri,
        secrets: impl Iterator<Item = HeaderName>,
        inside: Inside,
        may_step: Option<MayStep>,
    ) -> Self {
        if let Some(address) = home.host().and_then(literal) {
            inside.learn(Some(address));
        }
        Self {
            home: home.host().unwrap_or_default().to_owned(),
            secrets: secrets
                .chain([AUTHORIZATION, PROXY_AUTHORIZATION, COOKIE])
                .collect(),
            inside,
            may_step,
            left: MOST,
        }
    }

    /// Whether redirects lead to public addresses only.
    fn guards(&self) -> bool {
        self.may_step.is_none() && !self.inside.0.get().is_some_and(|inside| *inside)
    }
}

impl<B> Policy<B, UpstreamError> for Hops {
    fn redirect(&mut self, attempt: &Attempt<'_>) -> Result<Action, UpstreamError> {
        let refuse = |why| Err(UpstreamError::new(Kind::Unfit(why)));
        let (from, to) = (attempt.previous(), attempt.location());
        if to.scheme() != Some(&Scheme::HTTP) && to.scheme() != Some(&Scheme::HTTPS) {
            return refuse("redirected to an unsupported scheme");
        }
        if from.scheme() == Some(&Scheme::HTTPS) && to.scheme() == Some(&Scheme::HTTP) {
            return refuse("redirected from a secure URL to an insecure one");
        }
        let address = to.host().and_then(literal);
        if self.guards() && address.is_some_and(|address| !is_public(address)) {
            return refuse("redirected to a private address");
        }
        if let Some(MayStep(may_step)) = &self.may_step
            && !may_step(from, to)
        {
            return refuse("redirected to where the settings forbid it");
        }
        match self.left.checked_sub(1) {
            Some(left) => self.left = left,
            None => return refuse("redirected more than 10 times"),
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
        if self.left < MOST && self.guards() {
            request.extensions_mut().insert(PublicOnly);
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
