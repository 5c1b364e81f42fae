use std::sync::Arc;

use http::{Method, request};

use super::instead::InsteadOf;
use crate::module::Version;
use crate::policy::{Policy, Rule};
use crate::target::{Resource, Target};

/// Decides which versions of one module a client may have, by the policy as it was when the request came.
pub(super) struct Judge {
    policy: Arc<dyn Policy>,
    target: Target<'static>,
    /// As the client sent it.
    request: request::Parts,
}

impl Judge {
    pub(super) fn new(
        policy: Arc<dyn Policy>,
        target: Target<'static>,
        request: request::Parts,
    ) -> Self {
        Self {
            policy,
            target,
            request,
        }
    }

    pub(super) fn target(&self) -> &Target<'static> {
        &self.target
    }

    pub(super) fn is_head(&self) -> bool {
        self.request.method == Method::HEAD
    }

    /// The version that the client wants another one for, if this is a request for `@latest`.
    pub(super) fn instead_of(&self) -> Option<InsteadOf> {
        match self.target.resource() {
            Resource::Latest => InsteadOf::of_query(self.request.uri.query()),
            _ => None,
        }
    }

    /// A version that the module cannot have is of no use to the go command, and breaks its `@latest`.
    pub(super) fn rule(&self, version: &Version<'_>) -> Rule {
        match self.target.with_version(version) {
            Ok(target) => self.policy.rule(&target, &self.request),
            Err(invalid) => Rule::exclude_because(invalid.to_string()),
        }
    }

    pub(super) fn allows(&self, version: &Version<'_>) -> bool {
        !self.rule(version).is_exclude()
    }
}
