//! Rules by path. A lookup costs by the number of elements of the module's path, however many
//! rules there are.

use std::cell::LazyCell;
use std::collections::HashMap;

use super::folded::Folded;
use super::qualifier::Qualifier;
use super::reach::Reach;
use super::rule::Action;
use crate::module::path::ModulePath;
use crate::module::version::Version;

/// These do not tell capitals from small letters in a path.
const IGNORING_CASE: [&str; 3] = ["github.com", "gitlab.com", "bitbucket.org"];

/// The rules of each path.
///
/// One flat table instead of a tree of elements: what a lookup among many rules costs is the
/// memory it touches, and here a prefix without rules costs one cache line.
#[derive(Clone, Default)]
pub(super) struct Table {
    root: Vec<Line>,
    /// By path in small letters, for all its spellings.
    entries: HashMap<Box<str>, Vec<Line>>,
    /// Elements of the longest path: what is deeper need not be looked up.
    depth: usize,
    /// More hosts as those above.
    ignoring_case: Vec<Box<str>>,
    pub(super) match_case: bool,
}

#[derive(Clone)]
struct Line {
    /// The path as it was written, escaped; none if it has no capitals.
    spelling: Option<Box<str>>,
    qualifier: Option<Qualifier>,
    action: Action,
    number: usize,
}

/// What the rules say of a request.
pub(super) struct Decided {
    /// Of the version that was named.
    pub(super) version: Action,
    /// The line that says so; 0 if none does.
    pub(super) line: usize,
    /// Of all versions that the module can have.
    pub(super) module: Reach,
}

impl Table {
    /// Adds a rule for a path, escaped; the empty one is for all modules.
    pub(super) fn add(
        &mut self,
        path: &str,
        qualifier: Option<Qualifier>,
        action: Action,
        number: usize,
    ) {
        let folded = Folded::new(path);
        let lines = match folded.as_str() {
            "" => &mut self.root,
            folded => {
                self.depth = self.depth.max(folded.split('/').count());
                self.entries.entry(folded.into()).or_default()
            }
        };
        if lines.is_empty() {
            // Most paths have one rule: no spare room for 100,000 of them.
            lines.reserve_exact(1);
        }
        lines.push(Line {
            spelling: (path.len() != folded.as_str().len()).then(|| path.into()),
            qualifier,
            action,
            number,
        });
    }

    pub(super) fn ignore_case(&mut self, host: &str) {
        self.ignoring_case.push(host.into());
    }

    fn ignores_case(&self, path: &str) -> bool {
        let host = path.split('/').next().unwrap_or_default();
        let mut more = self.ignoring_case.iter();
        !self.match_case && (IGNORING_CASE.contains(&host) || more.any(|other| **other == *host))
    }

    /// How many paths have rules.
    pub(super) fn paths(&self) -> usize {
        self.entries.len()
    }

    /// The rules of the deepest path that has some for this version, and what they leave of the module.
    pub(super) fn decide(&self, module: &ModulePath<'_>, version: Option<&Version<'_>>) -> Decided {
        let mut decided = Decided {
            version: Action::Include,
            line: 0,
            module: Reach::of(Action::Include),
        };
        let version = LazyCell::new(|| version.map(Version::parts));
        let path = module.escaped();
        let folded = Folded::new(path);
        let any_case = self.ignores_case(path);
        let prefixes = prefixes(path).zip(prefixes(folded.as_str()));
        let below = prefixes.take(self.depth).filter_map(|(prefix, folded)| {
            let lines = self.entries.get(folded)?;
            Some((lines, prefix, prefix.len() == folded.len()))
        });
        for (lines, prefix, plain) in [(&self.root, "", true)].into_iter().chain(below) {
            let (mut unqualified, mut matching, mut possible) = (None, None, Reach::default());
            for line in lines {
                let spelling = line.spelling.as_deref();
                let is_spelled = spelling.map_or(plain, |spelling| spelling == prefix);
                // An allowance is for what was written, and for nothing that only looks like it.
                if !is_spelled && (!any_case || line.action == Action::Include) {
                    continue;
                }
                // Of several rules for one version, the one that trusts least.
                let rule = Some((line.action, line.number));
                let Some(qualifier) = &line.qualifier else {
                    unqualified = unqualified.max(rule);
                    continue;
                };
                possible.join(Reach::of(line.action));
                if version.is_some_and(|version| qualifier.matches(&version)) {
                    matching = matching.max(rule);
                }
            }
            if let Some((action, _)) = unqualified {
                // From here on the rules above decide nothing.
                decided.module = Reach::of(action);
            }
            decided.module.join(possible);
            if let Some((action, line)) = matching.or(unqualified) {
                (decided.version, decided.line) = (action, line);
            }
        }
        decided
    }
}

/// `a.com`, `a.com/b` and `a.com/b/c` of `a.com/b/c`.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    let slashes = path.match_indices('/').map(|(at, _)| at);
    slashes.chain([path.len()]).map(|end| &path[..end])
}
