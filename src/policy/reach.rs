//! Which rules the versions of one module can have.

use super::rule::Action;

/// The actions that some version of a module can meet, one bit each.
#[derive(Clone, Copy, Default)]
pub(super) struct Reach(u8);

impl Reach {
    pub(super) fn of(action: Action) -> Self {
        Self(1 << action as u8)
    }

    pub(super) fn join(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn has(self, action: Action) -> bool {
        self.0 & Self::of(action).0 != 0
    }

    /// Where the module comes from: one place for all its versions. If one of them is direct, a registry must not
    /// learn the name of the module. It is a refusal only if no version is left.
    pub(super) fn source(self) -> Action {
        let sources = [Action::Direct, Action::Include];
        let source = sources.into_iter().find(|source| self.has(*source));
        source.unwrap_or(Action::Exclude)
    }

    /// Whether some versions are excluded, and some not.
    pub(super) fn is_mixed(self) -> bool {
        self.has(Action::Exclude) && self.source() != Action::Exclude
    }
}
