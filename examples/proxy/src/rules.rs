//! The file of rules, and which of its lines has refused a module.

use std::fs;
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
}

impl FileRules {
    fn read(path: &Path, match_case: bool) -> Result<Self, BoxError> {
        let name = path.display();
        let text =
            fs::read_to_string(path).map_err(|error| format!("filter file {name}: {error}"))?;
        let text = text.trim_start_matches('\u{feff}');
        let rules = Rules::parse(text).map_err(|error| match other_format(text) {
            Some(format) => format!("{name}: this looks like {format}, not like a filter file, which has lines such as `- example.com/m`: {error}"),
            None => format!("filter file {name}: {error}"),
        })?;
        if let Some(line) = made_for_athens(text) {
            return Err(format!(
                "{name}: line {line}: this looks like a filter file for today's Athens: `D` for all modules, and `+` for a \
                 host of your own. Here `+` means the registry and `D` version control: swap the two signs"
            )
            .into());
        }
        Ok(Self {
            path: path.to_owned(),
            rules: match match_case {
                true => rules.match_case(),
                false => rules,
            },
        })
    }

    /// Whether this comes from the registry.
    pub(crate) fn includes(&self, target: &Target<'_>) -> bool {
        self.rules.rule_for(target).is_include()
    }

    /// The line that excludes this, as `FILE:LINE`.
    pub(crate) fn excluded_by(&self, target: &Target<'_>) -> Option<String> {
        let line = self.rules.excluded_by(target)?;
        let file = self.path.file_name().unwrap_or_default();
        Some(format!("{}:{line}", file.to_string_lossy()))
    }
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
    if lines.iter().any(|line| line.ends_with('{')) {
        return Some("HCL");
    }
    if first.starts_with('[') && first.ends_with(']') {
        return Some("TOML");
    }
    if first.contains(" = ") || first.contains("=\"") {
        return Some("TOML");
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
