//! Rules by path. A lookup costs by the number of elements of the module's path, however many
//! rules there are.

use std::collections::HashMap;

use super::qualifier::Qualifier;
use super::rule::Action;
use crate::module::path::ModulePath;
use crate::module::version::Version;

/// The rules of each path.
///
/// One flat table instead of a tree of elements: what a lookup among many rules costs is the
/// memory it touches, and here a prefix without rules costs one cache line.
#[derive(Clone, Default)]
pub(super) struct Table {
    root: Entry,
    /// By path, escaped as requests have it.
    entries: HashMap<Box<str>, Entry>,
    /// Elements of the longest path: what is deeper need not be looked up.
    depth: usize,
}

/// The rules of one path.
#[derive(Clone, Default)]
pub(super) struct Entry {
    unqualified: Option<Action>,
    qualified: Vec<(Qualifier, Action)>,
}

impl Table {
    /// The entry of an escaped path, or that of all modules.
    pub(super) fn entry(&mut self, path: Option<&str>) -> &mut Entry {
        let Some(path) = path else {
            return &mut self.root;
        };
        self.depth = self.depth.max(path.split('/').count());
        self.entries.entry(path.into()).or_default()
    }

    /// How many paths have rules.
    pub(super) fn paths(&self) -> usize {
        self.entries.len()
    }

    /// The deepest rule that applies to a version.
    pub(super) fn for_version(
        &self,
        module: &ModulePath<'_>,
        version: &Version<'_>,
    ) -> Option<Action> {
        self.walk(module)
            .fold(None, |above, entry| entry.for_version(version).or(above))
    }

    /// The rule for what is asked before a version is known.
    ///
    /// It is a refusal only when no version can be allowed: else an allow-list of versions could
    /// never be asked which versions there are.
    pub(super) fn for_module(&self, module: &ModulePath<'_>) -> Option<Action> {
        let mut deepest = None;
        let mut allowed = None;
        for entry in self.walk(module) {
            if entry.unqualified.is_some() {
                // From here on the qualified rules above decide nothing.
                (deepest, allowed) = (entry.unqualified, None);
            }
            let rules = entry.qualified.iter().map(|(_, rule)| *rule);
            allowed = strongest(rules.filter(|rule| *rule != Action::Exclude)).or(allowed);
        }
        match deepest {
            Some(Action::Exclude) => allowed.or(deepest),
            _ => deepest,
        }
    }

    /// Whether a qualified rule has a say on this module.
    pub(super) fn is_qualified(&self, module: &ModulePath<'_>) -> bool {
        self.walk(module).fold(false, |above, entry| {
            !entry.qualified.is_empty() || (above && entry.unqualified.is_none())
        })
    }

    /// The entries on the way to a module, from the root.
    fn walk<'a>(&'a self, module: &'a ModulePath<'_>) -> impl Iterator<Item = &'a Entry> {
        let below = prefixes(module.escaped())
            .take(self.depth)
            .filter_map(|prefix| self.entries.get(prefix));
        std::iter::once(&self.root).chain(below)
    }
}

impl Entry {
    pub(super) fn set(&mut self, qualifier: Option<Qualifier>, rule: Action) {
        match qualifier {
            None => self.unqualified = Some(rule),
            Some(qualifier) => self.qualified.push((qualifier, rule)),
        }
    }

    fn for_version(&self, version: &Version<'_>) -> Option<Action> {
        if self.qualified.is_empty() {
            return self.unqualified;
        }
        let parts = version.parts();
        let matching = self
            .qualified
            .iter()
            .filter(|(qualifier, _)| qualifier.matches(version, &parts));
        strongest(matching.map(|(_, rule)| *rule)).or(self.unqualified)
    }
}

/// `a.com`, `a.com/b` and `a.com/b/c` of `a.com/b/c`.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let slashes = path.match_indices('/').map(|(at, _)| at);
    slashes.chain([path.len()]).map(|end| &path[..end])
}

/// Of several rules for one version the one that trusts least.
fn strongest(rules: impl Iterator<Item = Action>) -> Option<Action> {
    rules.max_by_key(|rule| match rule {
        Action::Exclude => 2,
        Action::Direct => 1,
        Action::Include => 0,
    })
}
