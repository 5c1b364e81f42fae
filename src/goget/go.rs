//! What the go command is run for: its arguments, its output, and the files that it leaves.

use std::io;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::error::{GoGetError, Kind};
use super::folder::blocking;
use super::job::{Asked, Failed, Found, Job, Release, nonsense, setup};
use super::message::Message;
use super::module_cache::{Left, info};
use super::observe;
use super::process::{Output, Stop, Unwanted, run};
use super::sandbox::Sandbox;
use super::secrets::Grant;
use super::settings::Settings;
use super::shown::shown;
use crate::module::version::{Version, check};

/// One job at work.
pub(super) struct Go<'a> {
    pub(super) settings: &'a Settings,
    pub(super) sandbox: &'a Sandbox,
    pub(super) grant: &'a Grant,
    pub(super) job: &'a Job,
    /// That of the go command.
    pub(super) release: Release,
}

impl Go<'_> {
    /// Does the job.
    pub(super) async fn run(&self, unwanted: &mut Unwanted) -> Result<Found, Failed> {
        match &self.job.asked {
            Asked::Files(version) => {
                let said = self.download(version, unwanted).await?;
                self.files(version.clone(), &said, true).await
            }
            Asked::LookUp(version) => {
                let said = self.list(&[], &version.unescaped(), unwanted).await?;
                same_version(&said, version)?;
                self.looked_up(version.clone(), &said, unwanted).await
            }
            Asked::Query(query) => self.resolve(query, unwanted).await,
            Asked::List => self.versions(unwanted).await,
        }
    }

    /// The info of the version that a query stands for.
    async fn resolve(&self, query: &str, unwanted: &mut Unwanted) -> Result<Found, Failed> {
        let said = self.list(&[], query, unwanted).await?;
        let version = said.get("Version").and_then(Value::as_str);
        let version = version.ok_or_else(|| nonsense("it names no version"))?;
        let version = Version::new(version)
            .and_then(|version| check(&self.job.module, &version).map(|()| version))
            .map_err(|error| nonsense(&format!("{query} is {version}: {error}")))?
            .into_owned();
        let files = self.looked_up(version, &said, unwanted).await?;
        Ok(Found::Query(info(&said).into(), Box::new(files)))
    }

    /// The files after a look-up. `go list` takes a module for a newer go as it is; only a download refuses it, with the
    /// reason.
    async fn looked_up(
        &self,
        version: Version<'static>,
        said: &Value,
        unwanted: &mut Unwanted,
    ) -> Result<Found, Failed> {
        let found = self.files(version.clone(), said, false).await?;
        if !matches!(&found, Found::Files(_, files) if files.go() > Some(self.release)) {
            return Ok(found);
        }
        let said = self.download(&version, unwanted).await?;
        self.files(version, &said, true).await
    }

    /// The tagged versions, in order.
    ///
    /// Retracted ones too: clients learn of retractions from the highest one that is listed.
    async fn versions(&self, unwanted: &mut Unwanted) -> Result<Found, Failed> {
        let flags = ["-versions", "-retracted"];
        let said = self.list(&flags, "", unwanted).await?;
        let listed = said.get("Versions").and_then(Value::as_array);
        let mut versions: Vec<Version<'_>> = listed
            .into_iter()
            .flatten()
            .filter_map(|version| Version::new(version.as_str()?).ok())
            .filter(|version| !version.is_pseudo() && check(&self.job.module, version).is_ok())
            .collect();
        versions.sort();
        versions.dedup();
        if versions.is_empty() {
            // The repository is there. Whether the module is, and has no tags, tells its newest commit.
            self.list(&flags, "latest", unwanted).await?;
        }
        let lines: String = versions
            .iter()
            .map(|version| format!("{version}\n"))
            .collect();
        Ok(Found::List(lines.into()))
    }

    /// Has the files of a version put into the module cache.
    async fn download(
        &self,
        version: &Version<'_>,
        unwanted: &mut Unwanted,
    ) -> Result<Value, Failed> {
        let argument = format!("{}@{version}", self.job.module);
        let output = self
            .go(&["mod", "download", "-json", &argument], unwanted)
            .await?;
        // With a global failure there is nothing but a message.
        let Ok(said) = serde_json::from_slice::<Value>(&output.stdout) else {
            return Err(Failed::Said(self.error("", &output)));
        };
        if let Some(message) = said.get("Error").and_then(Value::as_str) {
            return Err(Failed::Said(self.error(message, &output)));
        }
        same_version(&said, version)?;
        Ok(said)
    }

    /// What `go list -m` says of a module, at a version or a query. It makes no zip.
    async fn list(
        &self,
        flags: &[&str],
        at: &str,
        unwanted: &mut Unwanted,
    ) -> Result<Value, Failed> {
        let module = self.job.module.unescaped();
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
        let output = self.go(&args, unwanted).await?;
        let Ok(said) = serde_json::from_slice::<Value>(&output.stdout) else {
            return Err(Failed::Said(self.error("", &output)));
        };
        match said.get("Error") {
            None => Ok(said),
            Some(error) => {
                let message = error.get("Err").and_then(Value::as_str).unwrap_or_default();
                Err(Failed::Said(self.error(message, &output)))
            }
        }
    }

    async fn go(&self, args: &[&str], unwanted: &mut Unwanted) -> Result<Output, Failed> {
        observe::running(args);
        let limit = self.settings.time_limit;
        let command = self.sandbox.command(args);
        match run(command, self.sandbox.home(), limit, unwanted).await {
            Ok(output) => Ok(output),
            Err(Stop::Unwanted) => Err(Failed::Unwanted),
            Err(stop) => Err(not_run(&self.settings.go, &stop).into()),
        }
    }

    /// The files of a version that the command has left in the module cache.
    async fn files(
        &self,
        version: Version<'static>,
        said: &Value,
        has_zip: bool,
    ) -> Result<Found, Failed> {
        let hash = said.pointer("/Origin/Hash").and_then(Value::as_str);
        let commit = hash.map(str::to_owned);
        let left = Left::new(&self.sandbox.modules(), &self.job.module, &version);
        let files = blocking(move || left.files(commit, has_zip))
            .await
            .map_err(|error| GoGetError::new(Kind::Local, format!("the module cache: {error}")))?
            .ok_or_else(|| Failed::Said(nonsense("it has left no files")))?;
        Ok(Found::Files(version, Arc::new(files)))
    }

    /// The error that a message means.
    fn error(&self, message: &str, output: &Output) -> GoGetError {
        let stderr = output.stderr.as_str();
        let silent;
        let text = if !message.trim().is_empty() {
            message
        } else if !stderr.trim().is_empty() {
            stderr
        } else {
            silent = format!("the go command says nothing: {}", output.status);
            &silent
        };
        let (module, name) = (self.job.module.unescaped(), self.job.name());
        let kind = Message::new(text, &[&module, &name]).kind();
        let no_git = !self.sandbox.has_git() && matches!(kind, Kind::Unknown | Kind::Setup);
        let redacted = self.grant.redacted(text);
        if no_git || stderr.contains("missing Git command") {
            return setup(format!("there is no git command: {redacted}"))
                .showing("it has no git command");
        }
        // git asks for others when those that it has sent are wrong.
        let kind = match kind {
            Kind::NoCredentials if self.grant.knows_host_in(text) => Kind::Credentials,
            kind => kind,
        };
        let shown = shown(&redacted, self.job.host());
        GoGetError::new(kind, redacted).showing(shown)
    }
}

/// A command that could not be run to its end, though somebody wanted it.
pub(super) fn not_run(go: &Path, stop: &Stop) -> GoGetError {
    let name = go.display();
    match stop {
        // No more processes, or no memory, at the moment.
        Stop::NotStarted(error)
            if matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory
            ) =>
        {
            GoGetError::new(Kind::Local, format!("{name} cannot be started: {error}"))
        }
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

/// What is requested by its canonical name has that name or does not exist.
fn same_version(said: &Value, version: &Version<'_>) -> Result<(), GoGetError> {
    match said.get("Version").and_then(Value::as_str) {
        Some(found) if found == version.unescaped() => Ok(()),
        Some(found) => {
            let text = format!("there is no {version}, it is called {found}");
            Err(GoGetError::new(Kind::NotFound, text))
        }
        None => Err(nonsense("it names no version")),
    }
}
