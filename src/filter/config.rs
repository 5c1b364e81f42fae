use std::sync::Arc;

use http::{Method, StatusCode, request};

use super::again::with_path;
use super::applied_rule::AppliedRule;
use super::body::{Answer, boxed};
use super::judge::Judge;
use super::refusal::excluded;
use crate::policy::Policy;
use crate::reply;
use crate::shared_caches::SharedCaches;
use crate::target::Target;

/// What all services of one layer have in common.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) policy: Arc<dyn Policy>,
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
    /// For a response that has to be searched for excluded versions.
    pub(super) judge: Option<Arc<Judge>>,
    pub(super) applied: Option<AppliedRule>,
    /// Whether shared caches must not keep the response.
    pub(super) private: bool,
}

pub(super) enum Destination {
    Inner,
    Include,
    Reply(Answer),
}

impl From<Destination> for Decision {
    fn from(destination: Destination) -> Self {
        Self {
            destination,
            judge: None,
            applied: None,
            private: false,
        }
    }
}

impl Config {
    /// Decides, and prepares the request for the service that gets it.
    pub(super) fn decide(&self, parts: &mut request::Parts) -> Decision {
        let path = parts.uri.path().strip_prefix(&*self.prefix);
        let target = match path.map_or(Ok(None), Target::parse) {
            Ok(Some(target)) => target,
            Ok(None) => return Destination::Inner.into(),
            Err(invalid) => {
                let reply = reply::text(StatusCode::NOT_FOUND, &format!("not found: {invalid}"));
                return Destination::Reply(boxed(reply)).into();
            }
        };
        if parts.method != Method::GET && parts.method != Method::HEAD {
            return Destination::Reply(boxed(reply::method_not_allowed())).into();
        }
        let now = self.policy.snapshot();
        let policy = now.as_ref().unwrap_or(&self.policy);
        let rule = policy.rule(&target, parts);
        // An extension costs allocations, so there is none by default.
        let applied = self.applied_rules.then(|| AppliedRule {
            rule: rule.clone(),
            target: target.clone().into_owned(),
        });
        if rule.is_exclude() {
            let module = target.module();
            let what = match target.version() {
                Some(version) => format!("{module}@{version}"),
                None => module.to_string(),
            };
            return Decision {
                applied,
                ..Destination::Reply(excluded(self.exclude_status, &what, &rule)).into()
            };
        }
        let restricted = rule.is_direct() || policy.depends_on_request(&target);
        let private =
            (self.shared_caches).makes_private(&parts.headers, &parts.extensions, restricted);
        let names_versions = !target.resource().is_file() && policy.depends_on_version(&target);
        let judge = names_versions.then(|| {
            Arc::new(Judge {
                policy: Arc::clone(policy),
                exclude_status: self.exclude_status,
                target: target.into_owned(),
                request: parts.clone(),
            })
        });
        if let Some(applied) = &applied {
            parts.extensions.insert(applied.clone());
        }
        let path = parts
            .uri
            .path_and_query()
            .filter(|_| !self.prefix.is_empty());
        if let Some(path) = path.and_then(|path| path.as_str().strip_prefix(&*self.prefix)) {
            parts.uri = with_path(&parts.uri, path);
        }
        Decision {
            destination: match rule.is_direct() {
                true => Destination::Inner,
                false => Destination::Include,
            },
            judge,
            applied,
            private,
        }
    }
}
