//! The names of all options, as flags, variables and keys of the file.

use clap::{Arg, ArgMatches, Args as _, Command};

use crate::options::Options;

/// The variables begin with this.
pub(crate) const VARIABLE: &str = "TOWER_GOPROXY_";

/// Options that are secrets.
pub(super) const SECRETS: [&str; 1] = ["basic-auth"];

pub(crate) fn variable(key: &str) -> String {
    format!("{VARIABLE}{}", key.replace('-', "_").to_uppercase())
}

/// All options, by their names in the file.
pub(crate) fn keys() -> Vec<String> {
    headings().into_iter().map(|(key, _)| key).collect()
}

/// All options with the headings under which they are shown.
pub(super) fn headings() -> Vec<(String, String)> {
    let command = Options::augment_args(Command::new("serve"));
    let heading = |arg: &Arg| arg.get_help_heading().unwrap_or("Server").to_owned();
    let args = command.get_arguments();
    let named = args.filter_map(|arg| Some((arg.get_long()?.to_owned(), heading(arg))));
    named.collect()
}

/// The value in force, as it is written at the command line.
pub(super) fn value(matches: &ArgMatches, key: &str) -> Option<String> {
    let id = key.replace('-', "_");
    let raw = matches.try_get_raw(&id).ok()??;
    let values: Vec<_> = raw
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    Some(values.join(","))
}
