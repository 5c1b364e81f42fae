//! The files of a version, by `go mod download`.

use serde_json::Value;

use super::error::{GoGetError, Kind};
use super::runner::{Failed, Runner, nonsense};
use crate::module::version::Version;

/// Has the files of a version put into the module cache.
pub(super) async fn download(runner: &mut Runner<'_>, version: &Version<'_>) -> Result<(), Failed> {
    let argument = format!("{}@{version}", runner.job().module);
    let output = runner.go(&["mod", "download", "-json", &argument]).await?;
    // With a global failure there is nothing but a message.
    let Ok(said) = serde_json::from_slice::<Value>(&output.stdout) else {
        return Err(runner.error("", &output).into());
    };
    if let Some(message) = said.get("Error").and_then(Value::as_str) {
        return Err(runner.error(message, &output).into());
    }
    same_version(&said, version)?;
    Ok(())
}

/// What was asked for canonically is answered by itself or not at all.
pub(super) fn same_version(said: &Value, version: &Version<'_>) -> Result<(), GoGetError> {
    match said.get("Version").and_then(Value::as_str) {
        Some(found) if found == version.unescaped() => Ok(()),
        Some(found) => {
            let text = format!("there is no {version}, it is called {found}");
            Err(GoGetError::new(Kind::NotFound, text))
        }
        None => Err(nonsense("it names no version")),
    }
}
