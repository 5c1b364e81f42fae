use crate::policy::Rule;
use crate::target::Target;

/// What the filter has understood and decided: in the extensions of each request that it sends on
/// and of each response to a request for a module, if the layer was built
/// [`with_verdicts`](super::FilterLayer::with_verdicts). Where one filter is around another, the response
/// has the verdict of the one that was asked last.
///
/// ```
/// use tower_goproxy::filter::Verdict;
/// use tower_goproxy::policy::Rule;
///
/// fn was_refused<B>(response: &http::Response<B>) -> bool {
///     response
///         .extensions()
///         .get::<Verdict>()
///         .is_some_and(|verdict| verdict.rule() == Rule::Exclude)
/// }
/// # assert!(!was_refused(&http::Response::new(())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    rule: Rule,
    target: Target<'static>,
}

impl Verdict {
    pub(super) fn new(rule: Rule, target: Target<'static>) -> Self {
        Self { rule, target }
    }

    /// What the policy has said.
    #[must_use]
    pub fn rule(&self) -> Rule {
        self.rule
    }

    /// What the request has asked for.
    #[must_use]
    pub fn target(&self) -> &Target<'static> {
        &self.target
    }
}
