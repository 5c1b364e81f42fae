//! Rules by path. A lookup costs by the number of elements of the module's path, however many
//! rules there are.

use std::collections::HashMap;

use super::any_case::{AnyCase, Folded};
use super::qualifier::Qualifier;
use super::reach::{Reach, strongest};
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
    /// By path in small letters.
    entries: HashMap<Box<str>, Entry>,
    /// Elements of the longest path: what is deeper need not be looked up.
    depth: usize,
    pub(super) any_case: AnyCase,
}

/// The rules of one path, in all spellings.
#[derive(Clone, Default)]
struct Entry {
    lines: Vec<Line>,
}

#[derive(Clone)]
struct Line {
    /// The path as it was written, escaped; none if it has no capitals.
    spelling: Option<Box<str>>,
    qualifier: Option<Qualifier>,
    action: Action,
}

/// What the rules say of a request.
pub(super) struct Decided {
    /// Of the version that was named.
    pub(super) version: Action,
    /// Of all versions that the module can have.
    pub(super) module: Reach,
}

impl Table {
    /// Adds a rule for a path, escaped, or for all modules.
    pub(super) fn add(&mut self, path: Option<&str>, qualifier: Option<Qualifier>, action: Action) {
        let path = path.unwrap_or_default();
        let folded = Folded::new(path);
        let entry = match folded.as_str() {
            "" => &mut self.root,
            folded => {
                self.depth = self.depth.max(folded.split('/').count());
                self.entries.entry(folded.into()).or_default()
            }
        };
        if entry.lines.is_empty() {
            // Most paths have one rule: no spare room for 100,000 of them.
            entry.lines.reserve_exact(1);
        }
        entry.lines.push(Line {
            spelling: (path.len() != folded.as_str().len()).then(|| path.into()),
            qualifier,
            action,
        });
    }

    /// How many paths have rules.
    pub(super) fn paths(&self) -> usize {
        self.entries.len()
    }

    /// The rules of the deepest path that has some for this version, and what they leave of the module.
    pub(super) fn decide(&self, module: &ModulePath<'_>, version: Option<&Version<'_>>) -> Decided {
        let mut decided = Decided {
            version: Action::Include,
            module: Reach::only(Action::Include),
        };
        let mut parts = None;
        let mut matches = |qualifier: &Qualifier| {
            version.is_some_and(|version| {
                qualifier.matches(version, parts.get_or_insert_with(|| version.parts()))
            })
        };
        let path = module.escaped();
        let folded = Folded::new(path);
        let any_case = self.any_case.covers(path);
        let prefixes = prefixes(path).zip(prefixes(folded.as_str()));
        let below = prefixes.take(self.depth).filter_map(|(prefix, folded)| {
            let entry = self.entries.get(folded)?;
            Some((entry, prefix, prefix.len() == folded.len()))
        });
        for (entry, prefix, plain) in [(&self.root, "", true)].into_iter().chain(below) {
            let lines = entry.lines.iter().filter(|line| {
                // An allowance is for what was written, and for nothing that only looks like it.
                (any_case && line.action != Action::Include)
                    || line
                        .spelling
                        .as_deref()
                        .map_or(plain, |spelling| spelling == prefix)
            });
            let (mut unqualified, mut matching, mut possible) = (None, None, Reach::default());
            for line in lines {
                let Some(qualifier) = &line.qualifier else {
                    unqualified = strongest(unqualified, line.action);
                    continue;
                };
                possible.add(line.action);
                if matches(qualifier) {
                    matching = strongest(matching, line.action);
                }
            }
            if let Some(action) = unqualified {
                // From here on the rules above decide nothing.
                decided.module = Reach::only(action);
            }
            decided.module.join(possible);
            decided.version = matching.or(unqualified).unwrap_or(decided.version);
        }
        decided
    }
}

/// `a.com`, `a.com/b` and `a.com/b/c` of `a.com/b/c`.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let slashes = path.match_indices('/').map(|(at, _)| at);
    slashes.chain([path.len()]).map(|end| &path[..end])
}
