//! Which modules an entry of the file is for.

use axum::http::request::Parts;
use glob::{MatchOptions, Pattern};
use tower_goproxy::Target;
use tower_goproxy::policy::{Policy, Rule};

use crate::BoxError;

/// Patterns as for GOPRIVATE: each matches a path, or a prefix of one that ends with an element. `corp.example/*` is
/// everything below `corp.example`.
#[derive(Clone, Debug)]
pub(crate) struct Patterns(Vec<(usize, Pattern)>);

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

impl Patterns {
    /// # Errors
    ///
    /// A pattern is malformed, or there is none.
    pub(crate) fn new(text: &str) -> Result<Self, BoxError> {
        let mut patterns = Vec::new();
        for pattern in text
            .split(',')
            .map(|pattern| pattern.trim().trim_end_matches('/'))
        {
            if pattern.is_empty() {
                continue;
            }
            // What other tools know, and what would match otherwise where the checksum database is kept from names.
            let is_other = pattern.contains("**") || pattern.contains(['{', '}', '\\']);
            if is_other || pattern.contains("[!") {
                return Err(format!(
                    "pattern `{pattern}`: only *, ? and [] are supported, as for GOPRIVATE"
                )
                .into());
            }
            let glob = Pattern::new(&pattern.replace("[^", "[!"));
            let glob = glob.map_err(|error| format!("pattern `{pattern}`: {}", error.msg))?;
            patterns.push((pattern.split('/').count(), glob));
        }
        match patterns.is_empty() {
            true => Err("`modules` has no pattern".into()),
            false => Ok(Self(patterns)),
        }
    }

    pub(crate) fn matches(&self, path: &str) -> bool {
        self.0.iter().any(|(elements, glob)| {
            let mut slashes = path.match_indices('/').map(|(at, _)| at);
            let prefix = match slashes.nth(elements - 1) {
                Some(end) => &path[..end],
                None => path,
            };
            prefix.split('/').count() == *elements && glob.matches_with(prefix, OPTIONS)
        })
    }
}

/// Include is this entry, direct is the next one.
impl Policy for Patterns {
    fn rule(&self, target: &Target<'_>, _: &Parts) -> Rule {
        match self.matches(&target.module().unescaped()) {
            true => Rule::include(),
            false => Rule::direct(),
        }
    }

    fn depends_on_version(&self, _: &Target<'_>) -> bool {
        false
    }

    fn depends_on_request(&self, _: &Target<'_>) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::Patterns;

    #[test]
    fn patterns_match_whole_elements_of_prefixes() {
        for (patterns, path, matches) in [
            ("corp.example/*", "corp.example/a", true),
            ("corp.example/*", "corp.example/a/b/v2", true),
            ("corp.example/*", "corp.example", false),
            ("corp.example", "corp.example", true),
            ("corp.example", "corp.example.evil/a", false),
            ("*.corp.example", "git.corp.example/a", true),
            ("*.corp.example", "corp.example/a", false),
            ("corp.example/a*/", "corp.example/abc/d", true),
            ("x.example, github.com/Corp", "github.com/Corp/m", true),
            ("github.com/Corp", "github.com/corp/m", false),
            ("github.com/c[o-p]?p", "github.com/corp/m", true),
            ("github.com/[^c]orp", "github.com/corp/m", false),
        ] {
            let found = Patterns::new(patterns).unwrap().matches(path);
            assert_eq!(found, matches, "{patterns} {path}");
        }
        for malformed in ["", ",", "a/**", "{a,b}", "a/[", "a/[!b]", "a/\\*"] {
            assert!(Patterns::new(malformed).is_err(), "{malformed}");
        }
    }
}
