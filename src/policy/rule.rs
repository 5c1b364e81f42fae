//! What a policy says about a request.

use std::borrow::Cow;
use std::fmt;

/// The decision of a [`Policy`](super::Policy) on a request.
///
/// The names are those of the filter file of Athens; which service each one leads to depends on how the filter is built.
///
/// ```
/// use tower_goproxy::policy::Rule;
///
/// let rule = Rule::exclude_because("use example.com/m/v2, see https://wiki.corp.example/modules");
/// assert!(rule.is_exclude());
/// assert_eq!(rule.to_string(), "exclude");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rule {
    action: Action,
    reason: Option<Cow<'static, str>>,
}

/// The later one trusts less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Action {
    Include,
    Direct,
    Exclude,
}

impl Rule {
    /// The service that was given to the layer answers: usually a registry of public modules. Sign `+`.
    #[must_use]
    pub const fn include() -> Self {
        Self::of(Action::Include)
    }

    /// The request is refused. Sign `-`.
    #[must_use]
    pub const fn exclude() -> Self {
        Self::of(Action::Exclude)
    }

    /// The request is refused, and the client sees the reason, in one line: `example.com/m@v1.0.0 is excluded: {reason}`.
    ///
    /// The go command shows about 500 bytes of a response; control characters become blanks.
    #[must_use]
    pub fn exclude_because(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            action: Action::Exclude,
            reason: Some(reason.into()),
        }
    }

    /// The inner service, which the layer wraps, answers: usually version control, as `GOPROXY=direct` means to the go
    /// command. Sign `D`.
    #[must_use]
    pub const fn direct() -> Self {
        Self::of(Action::Direct)
    }

    pub(super) const fn of(action: Action) -> Self {
        Self {
            action,
            reason: None,
        }
    }

    /// Whether the service that was given to the layer answers.
    #[must_use]
    pub fn is_include(&self) -> bool {
        self.action == Action::Include
    }

    /// Whether the request is refused.
    #[must_use]
    pub fn is_exclude(&self) -> bool {
        self.action == Action::Exclude
    }

    /// Whether the inner service answers.
    #[must_use]
    pub fn is_direct(&self) -> bool {
        self.action == Action::Direct
    }

    /// The reason of [`exclude_because`](Self::exclude_because).
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }
}

/// `include`, `exclude` or `direct`.
impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self.action {
            Action::Include => "include",
            Action::Exclude => "exclude",
            Action::Direct => "direct",
        })
    }
}
