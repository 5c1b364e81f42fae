//! Rules by path, element by element: a lookup costs by the length of the module's path, however
//! many rules there are.

use std::collections::HashMap;

use super::qualifier::Qualifier;
use super::rule::Rule;
use crate::module::path::ModulePath;
use crate::module::version::Version;

/// The rules on one path, and those on longer ones. Elements are kept escaped, as requests have them.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    unqualified: Option<Rule>,
    qualified: Vec<(Qualifier, Rule)>,
    children: HashMap<Box<str>, Self>,
}

impl Node {
    pub(super) fn node_at<'a>(&mut self, elements: impl Iterator<Item = &'a str>) -> &mut Self {
        elements.fold(self, |node, element| {
            node.children.entry(element.into()).or_default()
        })
    }

    pub(super) fn set(&mut self, qualifier: Option<Qualifier>, rule: Rule) {
        match qualifier {
            None => self.unqualified = Some(rule),
            Some(qualifier) => self.qualified.push((qualifier, rule)),
        }
    }

    /// The deepest rule that applies to a version.
    pub(super) fn verdict_on_version(
        &self,
        module: &ModulePath<'_>,
        version: &Version<'_>,
    ) -> Option<Rule> {
        self.walk(module)
            .fold(None, |above, node| node.verdict_here(version).or(above))
    }

    /// The verdict on what is asked before a version is known.
    ///
    /// It is a refusal only when no version can be allowed: else an allow-list of versions could
    /// never be asked which versions there are.
    pub(super) fn verdict_on_module(&self, module: &ModulePath<'_>) -> Option<Rule> {
        let mut verdict = None;
        let mut allowed = None;
        for node in self.walk(module) {
            if node.unqualified.is_some() {
                // From here on the qualified rules above decide nothing.
                (verdict, allowed) = (node.unqualified, None);
            }
            let rules = node.qualified.iter().map(|(_, rule)| *rule);
            allowed = strongest(rules.filter(|rule| *rule != Rule::Exclude)).or(allowed);
        }
        match verdict {
            Some(Rule::Exclude) => allowed.or(verdict),
            _ => verdict,
        }
    }

    /// Whether a qualified rule has a say on this module.
    pub(super) fn is_qualified(&self, module: &ModulePath<'_>) -> bool {
        self.walk(module).fold(false, |above, node| {
            !node.qualified.is_empty() || (above && node.unqualified.is_none())
        })
    }

    /// The nodes on the way to a module, from the root.
    fn walk<'a>(&'a self, module: &'a ModulePath<'_>) -> impl Iterator<Item = &'a Self> {
        let below = module.elements().scan(self, |node, element| {
            *node = node.children.get(element)?;
            Some(*node)
        });
        std::iter::once(self).chain(below)
    }

    fn verdict_here(&self, version: &Version<'_>) -> Option<Rule> {
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

/// Of several verdicts on one version the one that trusts least.
fn strongest(rules: impl Iterator<Item = Rule>) -> Option<Rule> {
    rules.max_by_key(|rule| match rule {
        Rule::Exclude => 2,
        Rule::Direct => 1,
        Rule::Include => 0,
    })
}
