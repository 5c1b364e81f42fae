//! What comes before a run: whether commands can run at all, and what the service has for hosts now, which may have changed
//! since the last run.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::error::GoGetError;
use super::files::Job;
use super::folder::blocking;
use super::git_settings;
use super::sandbox::{Sandbox, git_config_of_file};
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
pub(super) async fn look(settings: &Settings, sandbox: &Sandbox) -> Result<(), GoGetError> {
    // A go.mod in a folder above would be read by every command.
    let work = sandbox.work();
    let mut above = work.ancestors().map(|folder| folder.join("go.mod"));
    if let Some(file) = above.find(|file| file.is_file()) {
        let text = format!("{} would be the module of every command", file.display());
        return Err(GoGetError::setup(
            text,
            "its folder for modules is inside of a module",
        ));
    }
    let output = sandbox.go(&["version"], TIME, &|_| Ok(())).await?;
    let said = String::from_utf8_lossy(&output.stdout);
    let minor = said.split_once("go1.").and_then(|(_, rest)| {
        let end = rest.find(|c: char| !c.is_ascii_digit());
        rest[..end.unwrap_or(rest.len())].parse().ok()
    });
    let name = settings.go.display();
    match minor {
        Some(LEAST..) if sandbox.git().is_some() => read_files(settings).await.map(drop),
        // Those of git cannot be read, and are of no use.
        Some(LEAST..) => Ok(()),
        Some(minor) => {
            let text = format!("{name} is Go 1.{minor}, and 1.{LEAST} or later is needed");
            Err(GoGetError::setup(text, "its go command is older than 1.21"))
        }
        None => {
            let text = format!("{said}{}({})", output.stderr, output.status);
            let text = format!("{name} is not a go command: {text}");
            Err(GoGetError::setup(text, "it has no go command"))
        }
    }
}

/// For a run of this job.
///
/// # Errors
///
/// If a file cannot be read or has a setting that is not allowed, or if the provider of credentials fails.
pub(super) async fn held(settings: &Settings, job: &Job) -> Result<Held, GoGetError> {
    let mut held = read_files(settings).await?;
    held.ours = settings.secrets.logins.clone();
    if let Some(access) = &job.access {
        held.owners = access.logins().clone();
    }
    if let Some(provider) = &settings.secrets.provider {
        let provided = provider(job.module.unescaped().into_owned(), job.access.clone());
        let provided = timeout(settings.time_limit, provided).await;
        let provided = provided
            .unwrap_or_else(|_| Err("it takes too long".into()))
            .map_err(|error| GoGetError::local("the provider of credentials", error))?;
        let target = match job.access {
            Some(_) => &mut held.owners,
            None => &mut held.ours,
        };
        provided.into_iter().for_each(|one| target.set(one));
    }
    Ok(held)
}

/// The entries of the netrc file, and the settings of git.
///
/// # Errors
///
/// If a file cannot be read, or has a setting that is not allowed.
pub(super) async fn read_files(settings: &Settings) -> Result<Held, GoGetError> {
    let settings = settings.clone();
    let read = blocking(move || {
        let secrets = &settings.secrets;
        let mut held = Held::default();
        if let Some(file) = &secrets.netrc {
            held.netrc = Netrc::parse_quoted(&fs::read(file).map_err(named(file))?).0;
        }
        if let Some(file) = &secrets.git_config_file {
            held.git_config = git_config_of_file(&settings, file).map_err(named(file))?;
        }
        held.git_config.extend_from_slice(&secrets.git_config);
        Ok(held)
    });
    let held = read.await.map_err(|error| {
        GoGetError::setup(error.to_string(), "a file of its settings cannot be read")
    })?;
    git_settings::check(&held.git_config)
        .map_err(|error| GoGetError::setup(error.to_string(), "a setting of git is not allowed"))?;
    Ok(held)
}

fn named(file: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}
