//! Whether the commands can run at all, found out once.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::task::spawn_blocking;

use super::config::Config;
use super::environment::environment;
use super::error::{GoGetError, Kind};
use super::home::{self, Home};
use super::run::{Output, Stop, Unwanted, run};
use super::show;
use crate::access::value::Access;

/// The first go command with `GOTOOLCHAIN`, without which it would download others.
const LEAST: u32 = 21;
/// Far more than `go version` ever needs.
const WAIT: Duration = Duration::from_secs(60);

/// All that the commands need.
#[derive(Debug)]
pub(super) struct Ready {
    config: Arc<Config>,
    home: Home,
    vars: Vec<(OsString, OsString)>,
    /// Without it most modules cannot be had, yet those of a registry can.
    pub(super) git: bool,
}

impl Ready {
    /// # Errors
    ///
    /// If the folders cannot be made, or if there is no go command that is new enough.
    ///
    /// # Cancel safety
    ///
    /// A command that runs is killed.
    pub(super) async fn new(
        config: Arc<Config>,
        unwanted: &mut Unwanted,
    ) -> Result<Self, NotReady> {
        let modules = config.modules_of(None);
        let ready = in_folder(&config.cache.clone(), move || {
            home::sweep(&config)?;
            Self::make(config, &modules)
        })
        .await?;
        if let Some(file) = module_above(&ready.home.work()) {
            let text = format!("{} would be the module of every command", file.display());
            return Err(setup(text)
                .showing("its folder for modules is inside of a module")
                .into());
        }
        ready.check_go(unwanted).await?;
        Ok(ready)
    }

    /// The same commands, for an owner.
    ///
    /// # Errors
    ///
    /// If the folders cannot be made.
    ///
    /// # Cancel safety
    ///
    /// What was made is removed.
    pub(super) async fn for_owner(&self, access: &Access) -> Result<Self, GoGetError> {
        let modules = self.config.modules_of(Some(access));
        let config = Arc::new(self.config.for_owner(access));
        in_folder(&self.config.cache, move || Self::make(config, &modules)).await
    }

    fn make(config: Arc<Config>, modules: &Path) -> io::Result<Self> {
        let home = Home::new(&config)?;
        let vars = environment(&config, modules, home.path());
        let git = has_program(&vars, "git");
        Ok(Self {
            config,
            home,
            vars,
            git,
        })
    }

    /// Removes the private folder.
    ///
    /// # Cancel safety
    ///
    /// It goes on to its end.
    pub(super) async fn remove(self) -> io::Result<()> {
        spawn_blocking(move || self.home.remove())
            .await
            .map_err(io::Error::other)?
    }

    /// The go command with these arguments, in its environment.
    pub(super) fn go(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.config.go);
        command
            .args(args)
            .current_dir(self.home.work())
            .env_clear()
            .envs(self.vars.iter().map(|(name, value)| (name, value)));
        command
    }

    /// The `GOMODCACHE` of the commands.
    pub(super) fn module_cache(&self) -> PathBuf {
        let vars = self.vars.iter().rev();
        let mut found = vars.filter(|(name, _)| name == OsStr::new("GOMODCACHE"));
        found
            .next()
            .map(|(_, value)| value.into())
            .unwrap_or_default()
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    async fn check_go(&self, unwanted: &mut Unwanted) -> Result<(), NotReady> {
        let name = self.config.go.display();
        let Output { stdout, stderr } = match run(self.go(&["version"]), WAIT, unwanted).await {
            Ok(output) => output,
            Err(Stop::Unwanted) => return Err(NotReady::Unwanted),
            Err(stop) => return Err(not_run(&self.config.go, &stop).into()),
        };
        let said = String::from_utf8_lossy(&stdout);
        match minor(&said) {
            Some(minor) if minor >= LEAST => Ok(()),
            Some(minor) => Err(setup(format!(
                "{name} is Go 1.{minor}, and 1.{LEAST} or later is needed"
            ))
            .showing(format!("its go command is older than 1.{LEAST}"))
            .into()),
            None => {
                let said = show::redacted(&self.config, &format!("{said}{stderr}"));
                Err(setup(format!("{name} is no go command: {said}"))
                    .showing("it has no go command")
                    .into())
            }
        }
    }
}

async fn in_folder(
    folder: &Path,
    make: impl FnOnce() -> io::Result<Ready> + Send + 'static,
) -> Result<Ready, GoGetError> {
    let made = spawn_blocking(make).await.map_err(io::Error::other);
    made.and_then(|made| made).map_err(|error| {
        setup(format!("{}: {error}", folder.display()))
            .showing("its folder for modules cannot be used")
    })
}

/// Why the commands cannot run.
pub(super) enum NotReady {
    Unwanted,
    Error(GoGetError),
}

impl From<GoGetError> for NotReady {
    fn from(error: GoGetError) -> Self {
        Self::Error(error)
    }
}

/// A command that could not be run to its end, though somebody wanted it.
pub(super) fn not_run(go: &Path, stop: &Stop) -> GoGetError {
    let name = go.display();
    match stop {
        Stop::NotStarted(error) if error.kind() == io::ErrorKind::NotFound => {
            setup(format!("{name}: no such go command")).showing("it has no go command")
        }
        Stop::NotStarted(error) => {
            setup(format!("{name} cannot be started: {error}")).showing("it has no go command")
        }
        Stop::Io(error) => GoGetError::new(Kind::Local, format!("{name}: {error}")),
        Stop::TimedOut(limit) => GoGetError::new(Kind::TimeLimit(*limit), ""),
        Stop::Overflow => GoGetError::new(Kind::Nonsense, "the go command never stops writing"),
        Stop::Unwanted => GoGetError::new(Kind::Local, "given up"),
    }
}

pub(super) fn setup(text: String) -> GoGetError {
    GoGetError::new(Kind::Setup, text)
}

/// The 27 of `go version go1.27.3 linux/amd64`.
fn minor(said: &str) -> Option<u32> {
    let (_, rest) = said.split_once("go1.")?;
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

fn has_program(vars: &[(OsString, OsString)], name: &str) -> bool {
    // Of several values of a variable the last counts.
    let path = vars
        .iter()
        .rev()
        .find(|(name, _)| name == OsStr::new("PATH"));
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    path.is_some_and(|(_, path)| env::split_paths(path).any(|dir| dir.join(&file).is_file()))
}

/// A go.mod in a folder above would be read by every command.
fn module_above(work: &Path) -> Option<PathBuf> {
    work.ancestors()
        .map(|dir| dir.join("go.mod"))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::minor;

    #[test]
    fn the_version_of_go_is_read_from_what_it_says() {
        for (said, want) in [
            ("go version go1.27.3 linux/amd64\n", Some(27)),
            ("go version go1.21 linux/amd64\n", Some(21)),
            ("go version devel go1.28-abcdef linux/amd64\n", Some(28)),
            ("go version devel +abcdef linux/amd64\n", None),
            ("Go, a game\n", None),
        ] {
            assert_eq!(minor(said), want, "{said}");
        }
    }
}
