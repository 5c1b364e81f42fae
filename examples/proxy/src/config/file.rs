//! Reads the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Table, Value};

use super::nearest::nearest;
use crate::miss::Miss;

/// What the file says.
#[derive(Clone, Debug, Default)]
pub(crate) struct File {
    pub(crate) path: Option<PathBuf>,
    /// Options by their long names.
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) registries: Vec<RegistryEntry>,
    pub(crate) direct: Vec<DirectEntry>,
}

/// A registry for some modules: `[[registry]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct RegistryEntry {
    /// Patterns as for GOPRIVATE.
    pub(crate) modules: String,
    /// A list as for GOPROXY.
    pub(crate) upstream: String,
    pub(crate) netrc: Option<PathBuf>,
    /// A file with a token, sent as `Authorization: Bearer`.
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) on_miss: Option<Miss>,
}

/// How some direct modules are fetched: `[[direct]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct DirectEntry {
    pub(crate) modules: String,
    pub(crate) go_private: Option<String>,
    pub(crate) netrc: Option<PathBuf>,
    pub(crate) git_config: Option<PathBuf>,
    pub(crate) ssh_key: Option<PathBuf>,
    pub(crate) ssh_known_hosts: Option<PathBuf>,
}

const REGISTRY: [&str; 5] = ["modules", "upstream", "netrc", "token-file", "on-miss"];
const DIRECT: [&str; 6] = [
    "modules",
    "go-private",
    "netrc",
    "git-config",
    "ssh-key",
    "ssh-known-hosts",
];

impl File {
    /// # Errors
    ///
    /// The file cannot be read, is not TOML, or has a key or a value that is not known.
    pub(crate) fn read(path: &Path, keys: &[String]) -> Result<Self, String> {
        let name = path.display();
        let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        Self::parse(&text, keys)
            .map(|file| Self {
                path: Some(path.to_owned()),
                ..file
            })
            .map_err(|error| format!("{name}: {error}"))
    }

    fn parse(text: &str, keys: &[String]) -> Result<Self, String> {
        let table: Table = text
            .parse()
            .map_err(|error: toml::de::Error| not_toml(text, &error))?;
        let mut file = Self::default();
        let tables = ["registry", "direct"].map(str::to_owned);
        let known = [keys, &tables].concat();
        for (key, value) in table {
            match &*key {
                "registry" => file.registries = entries(&key, value, &REGISTRY)?,
                "direct" => file.direct = entries(&key, value, &DIRECT)?,
                "config" => return Err("`config` cannot be set in the file itself".to_owned()),
                _ if keys.contains(&key) => {
                    let value = plain(&value).ok_or_else(|| {
                        format!(
                            "`{key}` must be a string, a number, a boolean, or a list of strings"
                        )
                    })?;
                    file.values.insert(key, value);
                }
                _ => {
                    let hint = nearest(&key, &known);
                    return Err(format!("unknown key `{key}`{hint}"));
                }
            }
        }
        Ok(file)
    }
}

/// Without the line itself, which may hold a secret.
fn not_toml(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.unwrap_or_default().matches('\n').count() + 1;
    format!(
        "line {line}: not TOML: {}",
        error.message().replace('\n', ": ")
    )
}

/// As it would be written at the command line.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(yes) => Some(yes.to_string()),
        Value::Array(values) => {
            let values: Option<Vec<_>> = values.iter().map(Value::as_str).collect();
            Some(values?.join(","))
        }
        _ => None,
    }
}

fn entries<T: for<'de> Deserialize<'de>>(
    name: &str,
    value: Value,
    known: &[&str],
) -> Result<Vec<T>, String> {
    let Value::Array(values) = value else {
        return Err(format!("write `[[{name}]]`, in double brackets"));
    };
    let known: Vec<_> = known.iter().map(|key| (*key).to_owned()).collect();
    let mut found = Vec::new();
    for (value, number) in values.into_iter().zip(1..) {
        let unknown = |table: &Table| table.keys().find(|key| !known.contains(key)).cloned();
        if let Some(key) = value.as_table().and_then(unknown) {
            let hint = nearest(&key, &known);
            return Err(format!("[[{name}]] {number}: unknown key `{key}`{hint}"));
        }
        let entry = value.try_into();
        let entry: T = entry.map_err(|error: toml::de::Error| {
            format!("[[{name}]] {number}: {}", error.message())
        })?;
        found.push(entry);
    }
    Ok(found)
}
