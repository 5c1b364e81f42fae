//! What comes before a run: whether commands can run at all, and what the service has for hosts now, which may have changed
//! since the last run.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tokio::time::timeout;

use super::error::GoGetError;
use super::files::Job;
use super::git_settings;
use super::sandbox::{Sandbox, inherited};
use super::secrets::Held;
use super::settings::Settings;
use crate::source::netrc::Netrc;

/// The first go command with `GOTOOLCHAIN`, without which it would download others.
const LEAST: u32 = 21;
/// Far more than `go version` ever needs.
const TIME: Duration = Duration::from_secs(60);

/// Looks whether the go command can be used in the sandbox, and the files of the settings.
///
/// # Errors
///
/// If not.
pub(super) fn look(
    settings: &Settings,
    sandbox: &Sandbox,
    needs_git: bool,
) -> Result<(), GoGetError> {
    let failed = |text: String, shown| Err(GoGetError::setup(text, shown));
    // A go.mod in a folder above would be read by every command.
    let work = sandbox.work();
    let mut above = work.ancestors().map(|folder| folder.join("go.mod"));
    if let Some(file) = above.find(|file| file.is_file()) {
        let text = format!("{} would be the module of every command", file.display());
        return failed(text, "its folder for modules is inside of a module");
    }
    let output = sandbox.go(&["version"], TIME, &|_| Ok(()))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let minor = said.split_once("go1.").and_then(|(_, rest)| {
        let end = rest.find(|c: char| !c.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse().ok()
    });
    let name = settings.go.display();
    match (minor, sandbox.git()) {
        (None, _) => {
            let text = format!("{said}{}({})", output.stderr, output.status);
            let text = format!("{name} is not a go command: {text}");
            failed(text, "it has no go command")
        }
        (Some(minor @ ..LEAST), _) => {
            let text = format!("{name} is Go 1.{minor}, and 1.{LEAST} or later is needed");
            failed(text, "its go command is older than 1.21")
        }
        (_, Some(_)) => read_files(settings, Held::default()).map(drop),
        (_, None) if needs_git => {
            let text = "there is no git command on the PATH";
            failed(text.to_owned(), "it has no git command")
        }
        // The settings of git cannot be read, and are of no use.
        (_, None) => Ok(()),
    }
}

/// The credentials for a run of this job that are set, and those of the provider.
///
/// # Errors
///
/// If the provider fails.
pub(super) async fn logins(settings: &Settings, job: &Job) -> Result<Held, GoGetError> {
    let mut held = Held {
        ours: settings.secrets.logins.clone(),
        ..Held::default()
    };
    let of_job = match &job.access {
        Some(access) => {
            held.owners = access.logins().clone();
            &mut held.owners
        }
        None => &mut held.ours,
    };
    if let Some(provider) = &settings.secrets.provider {
        let provided = provider(job.module.unescaped().into_owned(), job.access.clone());
        let provided = timeout(settings.time_limit, provided).await;
        let provided = provided.unwrap_or_else(|_| Err("it takes too long".into()));
        let failed = |error| GoGetError::local("the provider of credentials", error);
        provided
            .map_err(failed)?
            .into_iter()
            .for_each(|one| of_job.set(one));
    }
    Ok(held)
}

/// Adds the entries of the netrc file, and the settings of git. Blocks the thread.
///
/// # Errors
///
/// If a file cannot be read, or has a setting that is not allowed.
pub(super) fn read_files(settings: &Settings, mut held: Held) -> Result<Held, GoGetError> {
    let failed = |file: &Path, error: io::Error| {
        let text = format!("{}: {error}", file.display());
        GoGetError::setup(text, "a file of its settings cannot be read")
    };
    let secrets = &settings.secrets;
    if let Some(file) = &secrets.netrc {
        let text = fs::read(file).map_err(|error| failed(file, error))?;
        held.netrc = Netrc::parse_quoted(&text).0;
    }
    if let Some(file) = &secrets.git_config_file {
        let read = git_config_of_file(settings, file);
        held.git_config = read.map_err(|error| failed(file, error))?;
    }
    held.git_config.extend_from_slice(&secrets.git_config);
    git_settings::check(&held.git_config)
        .map_err(|error| GoGetError::setup(error.to_string(), "a setting of git is not allowed"))?;
    Ok(held)
}

/// The settings in a file of git, as git itself reads it.
fn git_config_of_file(settings: &Settings, file: &Path) -> io::Result<Vec<(String, String)>> {
    let mut git = Command::new("git");
    git.args(["config", "--no-includes", "--list", "-z", "--file"])
        .arg(file)
        .env_clear()
        .envs(inherited(settings))
        .env("GIT_CONFIG_NOSYSTEM", "1");
    let output = git.output()?;
    if !output.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&output.stderr)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    // A setting without a value is true.
    let lines = text
        .split_terminator('\0')
        .map(|line| line.split_once('\n').unwrap_or((line, "true")));
    Ok(lines
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect())
}
