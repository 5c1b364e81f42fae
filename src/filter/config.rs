use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Method, Response, StatusCode, Uri, request};
use http_body_util::Full;

use super::applied_rule::AppliedRule;
use super::refusal::excluded;
use super::screen::{Screen, request_whole};
use super::snapshot::Snapshot;
use crate::policy::Policy;
use crate::reply;
use crate::shared_caches::SharedCaches;
use crate::target::{Resource, Target};

/// What all services of one layer have in common.
pub(super) struct Config<P> {
    pub(super) policy: Arc<P>,
    pub(super) exclude_status: StatusCode,
    /// Without a slash at its end; empty where there is none.
    pub(super) prefix: Arc<str>,
    /// Whether requests and responses carry an [`AppliedRule`].
    pub(super) applied_rules: bool,
    pub(super) shared_caches: SharedCaches,
}

/// What happens to a request and to its response.
pub(super) struct Decision<P> {
    pub(super) destination: Destination,
    /// Whether the response has to be searched for excluded versions.
    pub(super) screen: Option<Box<Screen<P>>>,
    pub(super) applied: Option<AppliedRule>,
    /// Whether shared caches must not keep the response.
    pub(super) private: bool,
}

pub(super) enum Destination {
    Inner,
    Include,
    Reply(Response<Full<Bytes>>),
}

impl<P> From<Destination> for Decision<P> {
    fn from(destination: Destination) -> Self {
        Self {
            destination,
            screen: None,
            applied: None,
            private: false,
        }
    }
}

impl<P> Clone for Config<P> {
    fn clone(&self) -> Self {
        Self {
            policy: Arc::clone(&self.policy),
            exclude_status: self.exclude_status,
            prefix: Arc::clone(&self.prefix),
            applied_rules: self.applied_rules,
            shared_caches: self.shared_caches,
        }
    }
}

impl<P: Policy> Config<P> {
    /// Decides, and prepares the request for the service that gets it.
    pub(super) fn decide(&self, parts: &mut request::Parts) -> Decision<P> {
        let Some(path) = self.below_prefix(parts.uri.path()) else {
            return Destination::Inner.into();
        };
        let target = match Target::parse(path) {
            Ok(Some(target)) => target,
            Ok(None) => return Destination::Inner.into(),
            Err(invalid) => {
                let text = format!("not found: {invalid}");
                return Destination::Reply(reply::text(StatusCode::NOT_FOUND, &text)).into();
            }
        };
        if parts.method != Method::GET && parts.method != Method::HEAD {
            return Destination::Reply(reply::method_not_allowed()).into();
        }
        let policy = Snapshot::of(&self.policy);
        let rule = policy.get().rule(&target, parts);
        // An extension costs allocations, so there is none by default.
        let applied = self.applied_rules.then(|| AppliedRule {
            rule: rule.clone(),
            target: target.clone().into_owned(),
        });
        if rule.is_exclude() {
            let version = target.version();
            let refused = excluded(
                self.exclude_status,
                &target.module(),
                version.as_ref(),
                &rule,
            );
            return Decision {
                applied,
                ..Destination::Reply(refused).into()
            };
        }
        let changes = matches!(
            target.resource(),
            Resource::List | Resource::Latest | Resource::Query
        );
        let screened = changes && policy.get().depends_on_version(&target);
        let restricted = rule.is_direct() || policy.get().depends_on_request(&target);
        let private =
            self.shared_caches
                .makes_private(&parts.headers, &parts.extensions, restricted);
        let screen = screened.then(|| {
            let target = target.into_owned();
            let screen = Screen::new(policy, self.exclude_status, target, parts.clone());
            Box::new(screen)
        });
        if screened {
            request_whole(parts);
        }
        if let Some(applied) = &applied {
            parts.extensions.insert(applied.clone());
        }
        if let Some(uri) = self.without_prefix(&parts.uri) {
            parts.uri = uri;
        }
        Decision {
            destination: match rule.is_direct() {
                true => Destination::Inner,
                false => Destination::Include,
            },
            screen,
            applied,
            private,
        }
    }

    fn below_prefix<'a>(&self, path: &'a str) -> Option<&'a str> {
        let below = path.strip_prefix(&*self.prefix)?;
        below.starts_with('/').then_some(below)
    }

    fn without_prefix(&self, uri: &Uri) -> Option<Uri> {
        if self.prefix.is_empty() {
            return None;
        }
        let path = uri.path_and_query()?.as_str().strip_prefix(&*self.prefix)?;
        let path = PathAndQuery::try_from(path).ok()?;
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).ok()
    }
}
