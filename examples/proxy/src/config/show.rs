//! Shows what is in force.

use std::fmt::{Display, Write as _};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::file::File;
use super::names::{SECRETS, headings, value, variable};
use crate::options::Options;

/// The options in force.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) options: Options,
    pub(crate) file: File,
    matches: ArgMatches,
}

impl Loaded {
    pub(crate) fn new(options: Options, file: File, matches: ArgMatches) -> Self {
        Self {
            options,
            file,
            matches,
        }
    }

    /// As lines of such a file, each with where it comes from.
    pub(crate) fn show(&self) -> String {
        let mut text = String::new();
        let mut last = String::new();
        for (key, heading) in headings() {
            if matches!(&*key, "config" | "help" | "version") {
                continue;
            }
            if heading != last {
                let gap = if last.is_empty() { "" } else { "\n" };
                // Writing into a string never fails.
                let _ = writeln!(text, "{gap}# {heading}");
                last = heading;
            }
            let _ = match value(&self.matches, &key) {
                Some(value) => {
                    let value = shown(&key, &value);
                    writeln!(text, "{key} = {value}  # {}", self.source(&key))
                }
                None => writeln!(text, "# {key} is not set"),
            };
        }
        self.show_tables(&mut text);
        text
    }

    fn show_tables(&self, text: &mut String) {
        let file = self.file.path.as_deref().unwrap_or("".as_ref()).display();
        for (entry, number) in self.file.registries.iter().zip(1..) {
            let _ = writeln!(text, "\n[[registry]]  # {number} of {file}");
            put(text, "modules", Some(&entry.modules));
            put(text, "upstream", Some(&entry.upstream));
            put(text, "netrc", path(&entry.netrc));
            put(text, "token-file", path(&entry.token_file));
            put(text, "on-miss", entry.on_miss);
        }
        for (entry, number) in self.file.direct.iter().zip(1..) {
            let _ = writeln!(text, "\n[[direct]]  # {number} of {file}");
            put(text, "modules", Some(&entry.modules));
            put(text, "go-private", entry.go_private.as_ref());
            put(text, "netrc", path(&entry.netrc));
            put(text, "git-config", path(&entry.git_config));
            put(text, "ssh-key", path(&entry.ssh_key));
            put(text, "ssh-known-hosts", path(&entry.ssh_known_hosts));
        }
    }

    fn source(&self, key: &str) -> String {
        let id = key.replace('-', "_");
        match self.matches.value_source(&id) {
            Some(ValueSource::CommandLine) => format!("flag --{key}"),
            Some(ValueSource::EnvVariable) => format!("variable {}", variable(key)),
            _ => match &self.file.path {
                Some(path) if self.file.values.contains_key(key) => {
                    format!("file {}", path.display())
                }
                _ => "default".to_owned(),
            },
        }
    }
}

fn put(text: &mut String, key: &str, value: Option<impl Display>) {
    if let Some(value) = value {
        let _ = writeln!(text, "{key} = {}", shown(key, &value.to_string()));
    }
}

fn path(path: &Option<PathBuf>) -> Option<impl Display> {
    path.as_deref().map(Path::display)
}

/// As TOML, without secrets.
fn shown(key: &str, value: &str) -> String {
    if SECRETS.contains(&key) {
        return "\"...\"".to_owned();
    }
    let is_plain = value.parse::<f64>().is_ok() || matches!(value, "true" | "false");
    match is_plain {
        true => value.to_owned(),
        false => toml::Value::from(without_credentials(value)).to_string(),
    }
}

/// The URLs of a list may have a user and a password, and a query that is a token.
pub(crate) fn without_credentials(value: &str) -> String {
    // A folder.
    if value.starts_with(['/', '.']) {
        return value.to_owned();
    }
    let entries = value.split_inclusive([',', '|']);
    entries.map(entry_without_credentials).collect()
}

/// An entry may lack its scheme, and need not be a URL at all: too much is hidden rather than too little.
fn entry_without_credentials(entry: &str) -> String {
    let at = entry.find("://").map_or(0, |at| at + 3);
    let (scheme, rest) = entry.split_at(at);
    let end = rest.trim_end_matches([',', '|']).len();
    let (url, mark) = rest.split_at(end);
    let (url, query) = match url.split_once('?') {
        Some((url, _)) => (url, "?..."),
        None => (url, ""),
    };
    let authority = url.split('/').next().unwrap_or_default();
    let has_port = authority.matches(':').count() == 1;
    let port = authority.rsplit_once(':').map_or("", |(_, port)| port);
    let url = match url.rsplit_once('@') {
        Some((_, host)) => format!("...@{host}"),
        // The comma that ended it may have been one of a password.
        None if has_port && !port.bytes().all(|byte| byte.is_ascii_digit()) => "...".to_owned(),
        None => url.to_owned(),
    };
    format!("{scheme}{url}{query}{mark}")
}
