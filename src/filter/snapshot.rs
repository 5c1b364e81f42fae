use std::sync::Arc;

use crate::policy::Policy;

/// The policy as it was when a request came.
pub(super) enum Snapshot<P> {
    /// It does not change.
    Same(Arc<P>),
    Taken(Arc<dyn Policy>),
}

impl<P: Policy> Snapshot<P> {
    pub(super) fn of(policy: &Arc<P>) -> Self {
        match policy.snapshot() {
            Some(taken) => Self::Taken(taken),
            None => Self::Same(Arc::clone(policy)),
        }
    }

    pub(super) fn get(&self) -> &dyn Policy {
        match self {
            Self::Same(policy) => policy,
            Self::Taken(policy) => policy,
        }
    }
}
