//! What one job works with: its home, its environment, and its share of the lock.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tokio::process::Command;
use tokio::task::spawn_blocking;

use super::config::Config;
use super::environment::{environment, has_program};
use super::error::GoGetError;
use super::home::Home;
use super::lock::Shared;
use super::ready::setup;
use super::{clones, observe};

#[derive(Debug)]
pub(super) struct Tools {
    config: Arc<Config>,
    /// The folder of the module cache.
    modules: PathBuf,
    home: Home,
    vars: Vec<(OsString, OsString)>,
    lock: Shared,
    /// Without it most modules cannot be had, yet those of a registry can.
    pub(super) git: bool,
}

impl Tools {
    /// # Errors
    ///
    /// If the folders cannot be made.
    ///
    /// # Cancel safety
    ///
    /// What was made is removed.
    pub(super) async fn open(
        config: Arc<Config>,
        modules: PathBuf,
        lock: Shared,
    ) -> Result<Self, GoGetError> {
        let folder = config.cache.clone();
        let made = spawn_blocking(move || {
            let home = Home::new(&config, &lock)?;
            let vars = environment(&config, &modules, &home);
            let git = has_program(&vars, "git");
            Ok(Self {
                config,
                modules,
                home,
                vars,
                lock,
                git,
            })
        });
        let made = made.await.map_err(io::Error::other);
        let tools = made.and_then(|made| made).map_err(|error: io::Error| {
            setup(format!("{}: {error}", folder.display()))
                .showing("its folder for modules cannot be used")
        })?;
        if let Some(file) = module_above(&tools.home.work()) {
            let text = format!("{} would be the module of every command", file.display());
            return Err(setup(text).showing("its folder for modules is inside of a module"));
        }
        Ok(tools)
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// The go command with these arguments, in its environment, and what it gets as its standard input.
    pub(super) fn go(&self, args: &[&str]) -> io::Result<(Command, Stdio)> {
        let mut command = Command::new(&self.config.go);
        command
            .args(args)
            .current_dir(self.home.work())
            .env_clear()
            .envs(self.vars.iter().map(|(name, value)| (name, value)));
        Ok((command, self.lock.for_command()?))
    }

    /// Whether the folder in which commands run is still there.
    pub(super) fn is_there(&self) -> bool {
        self.home.work().is_dir()
    }

    /// Removes what killed commands have left in the module cache. Returns whether all of it was looked at.
    ///
    /// # Cancel safety
    ///
    /// It goes on to its end.
    pub(super) async fn mend(&self) -> bool {
        let modules = self.modules.clone();
        let mended = spawn_blocking(move || clones::mend(&modules)).await;
        mended
            .map_err(io::Error::other)
            .and_then(|mended| mended)
            .unwrap_or_else(|error| {
                observe::not_mended(&error);
                false
            })
    }

    /// Removes what breaks a clone, by a message of git: a lock that is left, or else the clone. Returns whether the
    /// command may now do better.
    ///
    /// # Cancel safety
    ///
    /// It goes on to its end.
    pub(super) async fn heal(&self, message: String) -> bool {
        if message.contains(".lock': File exists") {
            self.mend().await;
            return true;
        }
        let modules = self.modules.clone();
        let discarded = spawn_blocking(move || clones::discard(&modules, &message)).await;
        discarded
            .map_err(io::Error::other)
            .and_then(|discarded| discarded)
            .unwrap_or_else(|error| {
                observe::not_mended(&error);
                false
            })
    }

    /// Removes the home.
    ///
    /// # Cancel safety
    ///
    /// It goes on to its end.
    pub(super) async fn close(self) {
        let closed = spawn_blocking(move || {
            let removed = self.home.remove();
            // Until then nobody sweeps.
            drop(self.lock);
            removed
        });
        if let Err(error) = closed.await.map_err(io::Error::other).and_then(|it| it) {
            observe::home_stays(&error);
        }
    }
}

/// A go.mod in a folder above would be read by every command.
fn module_above(work: &Path) -> Option<PathBuf> {
    work.ancestors()
        .map(|dir| dir.join("go.mod"))
        .find(|file| file.is_file())
}
