use crate::policy::Rule;
use crate::target::Target;

/// What was requested, and the rule that the filter has applied.
///
/// If the layer was built [`with_applied_rules`](super::FilterLayer::with_applied_rules), it is in the extensions of each
/// request for a module that is passed on, and of each response to one. With one filter inside another, the response has
/// the rule of the inner one.
///
/// ```
/// use tower_goproxy::filter::AppliedRule;
///
/// fn was_refused<B>(response: &http::Response<B>) -> bool {
///     response
///         .extensions()
///         .get::<AppliedRule>()
///         .is_some_and(|applied| applied.rule().is_exclude())
/// }
/// # assert!(!was_refused(&http::Response::new(())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppliedRule {
    pub(super) rule: Rule,
    pub(super) target: Target<'static>,
}

impl AppliedRule {
    /// The rule.
    #[must_use]
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What was requested.
    #[must_use]
    pub fn target(&self) -> &Target<'static> {
        &self.target
    }
}
