//! Closures as policies.

use std::fmt;

use http::request::Parts;

use super::decide::Policy;
use super::rule::Rule;
use crate::target::value::Target;

/// A policy from a closure over the target and the request head.
///
/// It counts as one that depends on the version and on the request, so it also filters lists of versions; see
/// [`Policy`].
///
/// ```
/// use tower_goproxy::policy::{Rule, policy_fn};
///
/// /// Set by an auth layer outside.
/// #[derive(Clone)]
/// struct Contractor;
///
/// let policy = policy_fn(|target, parts| {
///     let private = target.module().is_within("git.example.com");
///     match parts.extensions.get::<Contractor>() {
///         Some(Contractor) if private => Rule::exclude_because("for employees only"),
///         _ if private => Rule::direct(),
///         _ => Rule::include(),
///     }
/// });
/// # fn is_policy(_: impl tower_goproxy::policy::Policy) {}
/// # is_policy(policy);
/// ```
pub fn policy_fn<F>(f: F) -> PolicyFn<F>
where
    F: Fn(&Target<'_>, &Parts) -> Rule + Send + Sync,
{
    PolicyFn { f }
}

/// A policy that was made by [`policy_fn`].
#[derive(Clone, Copy)]
pub struct PolicyFn<F> {
    f: F,
}

impl<F> Policy for PolicyFn<F>
where
    F: Fn(&Target<'_>, &Parts) -> Rule + Send + Sync,
{
    fn rule(&self, target: &Target<'_>, parts: &Parts) -> Rule {
        (self.f)(target, parts)
    }
}

impl<F> fmt::Debug for PolicyFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicyFn").finish_non_exhaustive()
    }
}
