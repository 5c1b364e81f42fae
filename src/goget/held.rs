//! What the service has for hosts when a run begins: it may have changed since the last one.

use std::io;
use std::path::Path;

use tokio::time::timeout;

use super::error::{GoGetError, Kind};
use super::folder::blocking;
use super::git_settings;
use super::job::{Job, setup};
use super::sandbox::git_config_of_file;
use super::secrets::Held;
use super::settings::Settings;
use crate::access::logins::Logins;

/// For a run of this job.
pub(super) async fn held(settings: &Settings, job: &Job) -> Result<Held, GoGetError> {
    let secrets = &settings.secrets;
    let (mut ours, mut owners) = (secrets.logins.clone(), Logins::default());
    if let Some(access) = &job.access {
        owners = access.logins().clone();
    }
    if let Some(provider) = &secrets.provider {
        let module = job.module.unescaped().into_owned();
        let provided = provider(module, job.access.clone());
        let provided = timeout(settings.time_limit, provided).await;
        let provided = provided
            .unwrap_or_else(|_| Err("it takes too long".into()))
            .map_err(|error| {
                GoGetError::new(Kind::Local, format!("the provider of credentials: {error}"))
            })?;
        let target = match job.access {
            Some(_) => &mut owners,
            None => &mut ours,
        };
        provided.into_iter().for_each(|one| target.set(one));
    }
    let (netrc, of_file) = read_files(settings).await?;
    Ok(Held {
        logins: ours.iter().cloned().collect(),
        owners: owners.iter().cloned().collect(),
        netrc,
        git_config: of_file
            .into_iter()
            .chain(secrets.git_config.iter().cloned())
            .collect(),
    })
}

/// The text of the netrc file, and the settings in that of git.
///
/// # Errors
///
/// If they cannot be read, or if a setting is not allowed.
pub(super) async fn read_files(
    settings: &Settings,
) -> Result<(String, Vec<(String, String)>), GoGetError> {
    let settings = settings.clone();
    let read = blocking(move || {
        let netrc = match &settings.secrets.netrc {
            Some(file) => std::fs::read_to_string(file).map_err(named(file))?,
            None => String::new(),
        };
        let of_git = match &settings.secrets.git_config_file {
            Some(file) => git_config_of_file(&settings, file).map_err(named(file))?,
            None => Vec::new(),
        };
        Ok((netrc, of_git))
    });
    let read = read.await.map_err(|error| {
        setup(error.to_string()).showing("a file of its settings cannot be read")
    })?;
    git_settings::check(&read.1)
        .map_err(|error| setup(error.to_string()).showing("a setting of git is not allowed"))?;
    Ok(read)
}

fn named(file: &Path) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{}: {error}", file.display()))
}
