//! What decides about a request.

use std::sync::Arc;

use http::request::Parts;

use super::rule::Rule;
use crate::target::value::Target;

/// Decides what happens to a request for a module.
///
/// [`Rules`](super::Rules) is a policy that is read from a file, and [`policy_fn`](super::policy_fn) makes one from a
/// closure. References, `Box`es and `Arc`s of policies are policies, `Box<dyn Policy>` included.
///
/// ```
/// use http::request::Parts;
/// use tower_goproxy::policy::{Policy, Rule, Rules};
/// use tower_goproxy::{Resource, Target};
///
/// /// Rules from a file, and no pre-releases.
/// struct Stable(Rules);
///
/// impl Policy for Stable {
///     fn rule(&self, target: &Target<'_>, parts: &Parts) -> Rule {
///         match target.version() {
///             // The go command needs the `.mod` of versions that nobody uses.
///             Some(version) if version.is_prerelease() && target.resource() != Resource::Mod => {
///                 Rule::exclude_because("no pre-releases")
///             }
///             _ => self.0.rule(target, parts),
///         }
///     }
///
///     // It looks at the target alone.
///     fn depends_on_request(&self, _: &Target<'_>) -> bool {
///         false
///     }
/// }
/// ```
///
/// It is called for every request, so it must not block.
pub trait Policy: Send + Sync {
    /// The rule for a request: `target` is what is requested, `parts` is the request head. An auth layer outside can insert
    /// the user into its extensions.
    ///
    /// A policy that excludes single versions should not exclude their [`Resource::Mod`](crate::Resource::Mod): the go
    /// command reads the `.mod` of old versions to compute a build list that does not have them, and fails without it.
    /// If it makes single versions direct, it should make the whole module direct, else a registry learns its name.
    fn rule(&self, target: &Target<'_>, parts: &Parts) -> Rule;

    /// Whether versions of this target's module can have different rules. If `false`, the filter does not read lists of
    /// versions.
    ///
    /// Default: `true`, which is always right.
    fn depends_on_version(&self, target: &Target<'_>) -> bool {
        let _ = target;
        true
    }

    /// Whether two requests for this target can have different rules. `false` allows shared caches to keep the responses
    /// ([`SharedCaches::Auto`](crate::SharedCaches::Auto)).
    ///
    /// Default: `true`, which is always right.
    fn depends_on_request(&self, target: &Target<'_>) -> bool {
        let _ = target;
        true
    }

    /// The policy as it is now, for a policy that changes while it is in use. The filter takes one snapshot per request,
    /// so that the request and every version in its response are judged by the same state.
    ///
    /// Default: `None`, for a policy that does not change.
    ///
    /// ```
    /// use std::sync::{Arc, RwLock};
    ///
    /// use http::request::Parts;
    /// use tower_goproxy::Target;
    /// use tower_goproxy::policy::{Policy, Rule, Rules};
    ///
    /// struct Reloaded(RwLock<Arc<Rules>>);
    ///
    /// impl Policy for Reloaded {
    ///     fn rule(&self, target: &Target<'_>, parts: &Parts) -> Rule {
    ///         self.0.read().expect("not poisoned").rule(target, parts)
    ///     }
    ///
    ///     fn snapshot(&self) -> Option<Arc<dyn Policy>> {
    ///         Some(Arc::clone(&*self.0.read().expect("not poisoned")) as _)
    ///     }
    /// }
    /// ```
    fn snapshot(&self) -> Option<Arc<dyn Policy>> {
        None
    }
}

macro_rules! delegate {
    ($($pointer:ty),*) => {$(
        impl<P: Policy + ?Sized> Policy for $pointer {
            fn rule(&self, target: &Target<'_>, parts: &Parts) -> Rule {
                (**self).rule(target, parts)
            }

            fn depends_on_version(&self, target: &Target<'_>) -> bool {
                (**self).depends_on_version(target)
            }

            fn depends_on_request(&self, target: &Target<'_>) -> bool {
                (**self).depends_on_request(target)
            }

            fn snapshot(&self) -> Option<Arc<dyn Policy>> {
                (**self).snapshot()
            }
        }
    )*};
}

delegate!(&P, Box<P>, Arc<P>);
