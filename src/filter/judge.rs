use std::sync::Arc;

use http::{StatusCode, request};

use super::body::Answer;
use super::refusal::excluded;
use crate::module::Version;
use crate::policy::{Policy, Rule};
use crate::target::Target;

/// Decides which versions of one module a client may have, by the policy as it was when the request came.
pub(super) struct Judge {
    pub(super) policy: Arc<dyn Policy>,
    pub(super) exclude_status: StatusCode,
    pub(super) target: Target<'static>,
    /// As the client sent it.
    pub(super) request: request::Parts,
}

impl Judge {
    pub(super) fn allows(&self, version: &Version<'_>) -> bool {
        !self.rule(version).is_exclude()
    }

    pub(super) fn refusal(&self, version: &Version<'_>) -> Box<Answer> {
        let what = format!("{}@{version}", self.target.module());
        excluded(self.exclude_status, &what, &self.rule(version)).into()
    }

    /// A version that the module cannot have is of no use to the go command, and breaks its `@latest`.
    fn rule(&self, version: &Version<'_>) -> Rule {
        match self.target.with_version(version) {
            Ok(target) => self.policy.rule(&target, &self.request),
            Err(invalid) => Rule::exclude_because(invalid.to_string()),
        }
    }
}
