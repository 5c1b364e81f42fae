//! The file of rules, and which of its lines has refused a module.

use std::path::{Path, PathBuf};

use axum::http::request::Parts;
use clap::Args;
use tower_goproxy::Target;
use tower_goproxy::policy::{Policy, Rule, Rules};

use crate::BoxError;

#[derive(Clone, Debug, Args)]
pub(crate) struct RuleArgs {
    /// File of rules: which modules to include (+), exclude (-), or fetch from version control (D).
    #[arg(long, value_name = "FILE")]
    filter: Option<PathBuf>,
    /// Compare paths with rules exactly. By default `-` and `D` ignore case on github.com, gitlab.com and bitbucket.org, and
    /// on hosts that the file names with `ignore-case`.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_value = "false", default_missing_value = "true", action = clap::ArgAction::Set)]
    match_case: bool,
}

impl RuleArgs {
    pub(crate) fn are_given(&self) -> bool {
        self.filter.is_some()
    }

    pub(crate) fn file(&self) -> Option<&Path> {
        self.filter.as_deref()
    }

    /// # Errors
    ///
    /// The file cannot be read, or a line has no meaning, or the file looks as if it was made for something else.
    pub(crate) fn read(&self) -> Result<FileRules, BoxError> {
        match &self.filter {
            Some(file) => FileRules::read(file, self.match_case),
            None => Ok(FileRules::default()),
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct FileRules {
    path: PathBuf,
    rules: Rules,
    /// Each line that excludes, alone, with its number and how deep its path is.
    excluding: Vec<(usize, usize, Rules)>,
}

impl FileRules {
    fn read(path: &Path, match_case: bool) -> Result<Self, BoxError> {
        let rules = Rules::from_file(path);
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let text = text.trim_start_matches('\u{feff}');
        let rules = rules.map_err(|error| match other_format(text) {
            Some(format) => format!("{}: this looks like {format}, not like a filter file, which has lines such as `- example.com/m`: {error}", path.display()).into(),
            None => BoxError::from(error),
        })?;
        if let Some(line) = made_for_athens(text) {
            return Err(format!(
                "{}: line {line}: this looks like a filter file for today's Athens: `D` for all modules, and `+` for a \
                 host of your own. Here `+` means the registry and `D` version control: exchange the two signs",
                path.display()
            )
            .into());
        }
        let cased = |rules: Rules| match match_case {
            true => rules.match_case(),
            false => rules,
        };
        Ok(Self {
            path: path.to_owned(),
            rules: cased(rules),
            excluding: excluding(text, cased),
        })
    }

    /// Whether this comes from the registry.
    pub(crate) fn includes(&self, target: &Target<'_>) -> bool {
        self.rules.rule_for(target).is_include()
    }

    /// The line that excludes this, as `FILE:LINE`.
    pub(crate) fn line_for(&self, target: &Target<'_>) -> Option<String> {
        let lines = self.excluding.iter();
        let deepest = lines
            .filter(|(_, _, rules)| rules.rule_for(target).is_exclude())
            .max_by_key(|(_, depth, _)| *depth)?;
        let file = self.path.file_name().unwrap_or_default();
        Some(format!("{}:{}", file.to_string_lossy(), deepest.0))
    }
}

fn excluding(text: &str, cased: impl Fn(Rules) -> Rules) -> Vec<(usize, usize, Rules)> {
    let hosts = text
        .lines()
        .filter(|line| line.trim_start().starts_with("ignore-case"));
    let hosts = hosts.collect::<Vec<_>>().join("\n");
    let lines = text.lines().zip(1..);
    let lines = lines.filter(|(line, _)| line.trim_start().starts_with('-'));
    lines
        .filter_map(|(line, number)| {
            let line = line.split('#').next().unwrap_or_default();
            let mut fields = line.split_whitespace().skip(1);
            let path = fields.next().map_or(0, |path| 2 * path.split('/').count());
            // At the same path a rule with versions comes first.
            let depth = path + usize::from(fields.next().is_some());
            let alone = format!("{line}\n{hosts}");
            Some((number, depth, cased(Rules::parse(&alone).ok()?)))
        })
        .collect()
}

/// The line with a bare `D`, if `+` is for some hosts only: there `D` is a redirect, and `+` version control.
fn made_for_athens(text: &str) -> Option<usize> {
    let mut direct = None;
    let (mut all_included, mut some_included, mut some_direct) = (false, false, false);
    for (line, number) in text.lines().zip(1..) {
        let line = line.split('#').next().unwrap_or_default();
        let mut fields = line.split_whitespace();
        match (fields.next(), fields.next()) {
            (Some("D"), None) => direct = Some(number),
            (Some("D"), Some(_)) => some_direct = true,
            (Some("+"), None) => all_included = true,
            (Some("+"), Some(_)) => some_included = true,
            _ => {}
        }
    }
    direct.filter(|_| some_included && !all_included && !some_direct)
}

fn other_format(text: &str) -> Option<&'static str> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let first = lines
        .iter()
        .find(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("//"))?;
    if first.starts_with('{') || *first == "[" {
        return Some("JSON");
    }
    if first.starts_with('[') && first.ends_with(']') {
        return Some("TOML");
    }
    if first.contains(" = ") || first.contains("=\"") {
        return Some("TOML");
    }
    if first.ends_with('{') {
        return Some("HCL");
    }
    None
}

impl Policy for FileRules {
    fn rule(&self, target: &Target<'_>, parts: &Parts) -> Rule {
        self.rules.rule(target, parts)
    }

    fn depends_on_version(&self, target: &Target<'_>) -> bool {
        self.rules.depends_on_version(target)
    }

    fn depends_on_request(&self, target: &Target<'_>) -> bool {
        self.rules.depends_on_request(target)
    }
}
