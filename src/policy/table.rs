//! Rules by path. A lookup costs by the number of elements of the module's path, however many
//! rules there are.

use std::collections::HashMap;

use super::qualifier::Qualifier;
use super::rule::Rule;
use crate::module::path::ModulePath;
use crate::module::version::Version;

/// The rules of each path.
///
/// One flat table instead of a tree of elements: what a lookup among many rules costs is the
/// memory it touches, and here a prefix without rules costs one cache line.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    root: Entry,
    /// By path, escaped as requests have it.
    entries: HashMap<Box<str>, Entry>,
    /// Elements of the longest path: what is deeper need not be looked up.
    depth: usize,
}

/// The rules of one path.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    unqualified: Option<Rule>,
    qualified: Vec<(Qualifier, Rule)>,
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

    /// The deepest rule that applies to a version.
    pub(super) fn verdict_on_version(
        &self,
        module: &ModulePath<'_>,
        version: &Version<'_>,
    ) -> Option<Rule> {
        self.walk(module)
            .fold(None, |above, entry| entry.verdict(version).or(above))
    }

    /// The verdict on what is asked before a version is known.
    ///
    /// It is a refusal only when no version can be allowed: else an allow-list of versions could
    /// never be asked which versions there are.
    pub(super) fn verdict_on_module(&self, module: &ModulePath<'_>) -> Option<Rule> {
        let mut verdict = None;
        let mut allowed = None;
        for entry in self.walk(module) {
            if entry.unqualified.is_some() {
                // From here on the qualified rules above decide nothing.
                (verdict, allowed) = (entry.unqualified, None);
            }
            let rules = entry.qualified.iter().map(|(_, rule)| *rule);
            allowed = strongest(rules.filter(|rule| *rule != Rule::Exclude)).or(allowed);
        }
        match verdict {
            Some(Rule::Exclude) => allowed.or(verdict),
            _ => verdict,
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
    pub(super) fn set(&mut self, qualifier: Option<Qualifier>, rule: Rule) {
        match qualifier {
            None => self.unqualified = Some(rule),
            Some(qualifier) => self.qualified.push((qualifier, rule)),
        }
    }

    fn verdict(&self, version: &Version<'_>) -> Option<Rule> {
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

/// Of several verdicts on one version the one that trusts least.
fn strongest(rules: impl Iterator<Item = Rule>) -> Option<Rule> {
    rules.max_by_key(|rule| match rule {
        Rule::Exclude => 2,
        Rule::Direct => 1,
        Rule::Include => 0,
    })
}
