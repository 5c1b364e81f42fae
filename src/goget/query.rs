//! Versions, by `go list`. No zip is made for them.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::download::same_version;
use super::error::{GoGetError, Kind};
use super::runner::{Failed, Runner, nonsense};
use crate::module::version::{Version, check};

/// Has the info of a version put into the module cache, where it has the time of its commit.
pub(super) async fn stat(runner: &mut Runner<'_>, version: &Version<'_>) -> Result<(), Failed> {
    let said = list_module(runner, &[], &version.unescaped()).await?;
    Ok(same_version(&said, version)?)
}

/// The info of the version that a query stands for.
pub(super) async fn resolve(runner: &mut Runner<'_>, query: &str) -> Result<Bytes, Failed> {
    let said = list_module(runner, &[], query).await?;
    let version = said.get("Version").and_then(Value::as_str);
    let version = version.ok_or_else(|| nonsense("it names no version"))?;
    let fits = Version::new(version).and_then(|version| check(&runner.job().module, &version));
    if let Err(error) = fits {
        return Err(nonsense(&format!("{query} is {version}: {error}")).into());
    }
    Ok(info(&said).into())
}

/// The tagged versions, in order.
///
/// Retracted ones too: clients learn of retractions from the highest one that is listed.
pub(super) async fn list(runner: &mut Runner<'_>) -> Result<Bytes, Failed> {
    let flags = ["-versions", "-retracted"];
    let said = list_module(runner, &flags, "").await?;
    let listed = said.get("Versions").and_then(Value::as_array);
    let mut versions: Vec<Version<'_>> = listed
        .into_iter()
        .flatten()
        .filter_map(|version| Version::new(version.as_str()?).ok())
        .filter(|version| !version.is_pseudo() && check(&runner.job().module, version).is_ok())
        .collect();
    versions.sort();
    versions.dedup();
    if versions.is_empty() {
        // The repository is there. Whether the module is, and has no tags, tells its newest commit.
        list_module(runner, &flags, "latest").await?;
    }
    let lines: String = versions
        .iter()
        .map(|version| format!("{version}\n"))
        .collect();
    Ok(lines.into())
}

/// What `go list -m` says of a module, at a version or a query.
async fn list_module(runner: &mut Runner<'_>, flags: &[&str], at: &str) -> Result<Value, Failed> {
    let module = runner.job().module.unescaped();
    // go would look for modules that match a pattern, and for what it was not told to.
    let is_pattern = module.contains("...") || at.contains("...");
    let is_word = matches!(at, "all" | "none" | "upgrade" | "patch");
    if is_pattern || is_word || at.starts_with(['-', '<', '>']) {
        let text = format!("there is no version {at}");
        return Err(GoGetError::new(Kind::NotFound, text).into());
    }
    let argument = match at {
        "" => module.into_owned(),
        at => format!("{module}@{at}"),
    };
    let mut args = vec!["list", "-e", "-m", "-json"];
    args.extend(flags);
    args.push(&argument);
    let output = runner.go(&args).await?;
    let Ok(said) = serde_json::from_slice::<Value>(&output.stdout) else {
        return Err(runner.error("", &output).into());
    };
    match said.get("Error") {
        None => Ok(said),
        Some(error) => {
            let message = error.get("Err").and_then(Value::as_str).unwrap_or_default();
            Err(runner.error(message, &output).into())
        }
    }
}

/// The fields of an info. Of the origin only what holds for the version itself: the rest says how the
/// repository looks today, or what was asked for, as a branch is.
fn info(said: &Value) -> String {
    let mut info = Map::new();
    for name in ["Version", "Time"] {
        if let Some(value) = said.get(name) {
            info.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(origin) = said.get("Origin").and_then(Value::as_object) {
        let mut origin = origin.clone();
        for name in ["TagPrefix", "TagSum", "RepoSum"] {
            origin.remove(name);
        }
        let version = said.get("Version").and_then(Value::as_str);
        let tag = version.map(|version| version.trim_end_matches("+incompatible"));
        let is_tag =
            |at: &str| at.starts_with("refs/tags/") && tag.is_some_and(|it| at.ends_with(it));
        if !origin
            .get("Ref")
            .and_then(Value::as_str)
            .is_some_and(is_tag)
        {
            origin.remove("Ref");
        }
        info.insert("Origin".to_owned(), Value::Object(origin));
    }
    Value::Object(info).to_string()
}
