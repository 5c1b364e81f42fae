//! Which rules the versions of one module can have.

use super::rule::Action;

/// The actions that some version of a module can meet.
#[derive(Clone, Copy, Default)]
pub(super) struct Reach {
    include: bool,
    direct: bool,
    exclude: bool,
}

impl Reach {
    pub(super) fn only(action: Action) -> Self {
        let mut reach = Self::default();
        reach.add(action);
        reach
    }

    pub(super) fn add(&mut self, action: Action) {
        match action {
            Action::Include => self.include = true,
            Action::Direct => self.direct = true,
            Action::Exclude => self.exclude = true,
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        self.include |= other.include;
        self.direct |= other.direct;
        self.exclude |= other.exclude;
    }

    /// Where the module comes from: one place for all its versions. If one of them is direct, a registry must not
    /// learn the name of the module. It is a refusal only if no version is left.
    pub(super) fn source(self) -> Action {
        match self {
            Self { direct: true, .. } => Action::Direct,
            Self { include: true, .. } => Action::Include,
            _ => Action::Exclude,
        }
    }

    /// Whether some versions are excluded, and some not.
    pub(super) fn is_mixed(self) -> bool {
        self.exclude && (self.include || self.direct)
    }
}

/// Of several rules for one version the one that trusts least.
pub(super) fn strongest(one: Option<Action>, other: Action) -> Option<Action> {
    one.max(Some(other))
}
