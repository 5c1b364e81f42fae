use std::sync::Arc;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http::{Method, Response, StatusCode, Uri, request};
use http_body_util::Full;

use super::applied_rule::AppliedRule;
use super::judge::Judge;
use super::refusal::excluded;
use super::screen::Screen;
use crate::policy::{Policy, Rule};
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
pub(super) struct Decision {
    pub(super) destination: Destination,
    /// Whether the response has to be searched for excluded versions.
    pub(super) screen: Option<Box<Screen>>,
    pub(super) applied: Option<AppliedRule>,
    /// Whether shared caches must not keep the response.
    pub(super) private: bool,
}

pub(super) enum Destination {
    Inner,
    Include,
    Reply(Response<Full<Bytes>>),
}

impl From<Destination> for Decision {
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

impl<P: Policy + 'static> Config<P> {
    /// Decides, and prepares the request for the service that gets it.
    pub(super) fn decide(&self, parts: &mut request::Parts) -> Decision {
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
        let now = self.policy.snapshot();
        let policy: &dyn Policy = now.as_deref().unwrap_or(&*self.policy);
        let rule = policy.rule(&target, parts);
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
        let restricted = rule.is_direct() || policy.depends_on_request(&target);
        let private =
            self.shared_caches
                .makes_private(&parts.headers, &parts.extensions, restricted);
        let changes = matches!(
            target.resource(),
            Resource::List | Resource::Latest | Resource::Query
        );
        let screen = (changes && policy.depends_on_version(&target)).then(|| {
            let policy = now.unwrap_or_else(|| Arc::clone(&self.policy) as _);
            self.screen(
                Judge::new(policy, target.into_owned(), parts.clone()),
                &rule,
            )
        });
        if let Some(applied) = &applied {
            parts.extensions.insert(applied.clone());
        }
        if let Some(uri) = self.without_prefix(&parts.uri) {
            parts.uri = uri;
        }
        if let Some(screen) = &screen {
            screen.prepare(parts);
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

    fn screen(&self, judge: Judge, rule: &Rule) -> Box<Screen> {
        let instead_of = match rule.is_direct() {
            true => judge.instead_of(),
            false => None,
        };
        Box::new(Screen {
            judge,
            exclude_status: self.exclude_status,
            instead_of,
        })
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
