//! Who decides.

use std::sync::Arc;

use http::request::Parts;

use super::rule::Rule;
use crate::target::value::Target;

/// Decides what happens to a request for a module.
///
/// [`Rules`](super::Rules) is a policy that is read from a file, and every closure of the right
/// shape is one:
///
/// ```
/// use http::request::Parts;
/// use tower_goproxy::{Target, policy::Rule};
///
/// /// Set by an auth layer outside.
/// #[derive(Clone)]
/// struct Contractor;
///
/// let policy = |target: &Target<'_>, parts: &Parts| {
///     let private = target.module().elements().next() == Some("git.example.com");
///     match parts.extensions.get::<Contractor>() {
///         Some(Contractor) if private => Rule::Exclude,
///         _ if private => Rule::Direct,
///         _ => Rule::Include,
///     }
/// };
/// # fn is_policy(_: impl tower_goproxy::policy::Policy) {}
/// # is_policy(policy);
/// ```
///
/// It is called for every request, so it must not block.
pub trait Policy {
    /// The verdict on a request: what it asks for, and who asks. An auth layer outside can leave in
    /// the extensions of `parts` whom it has recognised.
    fn classify(&self, target: &Target<'_>, parts: &Parts) -> Rule;

    /// Whether versions of this target's module can get different verdicts.
    ///
    /// `false` spares the work of looking through lists of versions. The default is `true`, which
    /// is always right.
    fn depends_on_version(&self, target: &Target<'_>) -> bool {
        let _ = target;
        true
    }
}

impl<F> Policy for F
where
    F: Fn(&Target<'_>, &Parts) -> Rule,
{
    fn classify(&self, target: &Target<'_>, parts: &Parts) -> Rule {
        self(target, parts)
    }
}

impl<P: Policy + ?Sized> Policy for Arc<P> {
    fn classify(&self, target: &Target<'_>, parts: &Parts) -> Rule {
        (**self).classify(target, parts)
    }

    fn depends_on_version(&self, target: &Target<'_>) -> bool {
        (**self).depends_on_version(target)
    }
}
