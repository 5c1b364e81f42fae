//! What the go command is run for: its arguments, its output, and the files that it leaves.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::error::{GoGetError, Kind};
use super::files::{Asked, Found, Job, left_files};
use super::folder::blocking;
use super::message::Message;
use super::process::Output;
use super::sandbox::Sandbox;
use super::secrets::Grant;
use super::shown::shown;
use crate::module::version::{Version, check};

/// How long a module proxy may take to show that it is this server.
const PROBE: Duration = Duration::from_secs(10);

/// Names of versions that runs of this service request right now, to see whether they reach this service.
#[derive(Debug, Default)]
pub(super) struct Probes(Mutex<HashSet<String>>);

impl Probes {
    /// Whether there was such a one. There is none after that.
    pub(super) fn end(&self, name: &str) -> bool {
        self.names().remove(name)
    }

    fn names(&self) -> MutexGuard<'_, HashSet<String>> {
        // Nothing leaves it half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One job at work.
#[derive(Clone, Copy)]
pub(super) struct Go<'a> {
    pub(super) sandbox: &'a Sandbox,
    pub(super) grant: &'a Grant,
    pub(super) job: &'a Job,
    pub(super) probes: &'a Probes,
    /// `GOPROXY`.
    pub(super) proxies: &'a str,
    /// For one command.
    pub(super) limit: Duration,
    /// Module proxies that no setting names may be requested: a go-import of the kind `mod` leads to them.
    pub(super) to_any_proxy: bool,
}

impl Go<'_> {
    /// Does the job.
    pub(super) async fn run(self) -> Result<Found, GoGetError> {
        match self.once().await {
            Err(error) if error.kind() == Kind::Loop => {}
            done => return done,
        }
        // That proxy may be this server, which would wait for itself. If it is, this request comes back at once.
        let (name, open) = (
            self.sandbox.name(),
            Self {
                to_any_proxy: true,
                ..self
            },
        );
        self.probes.names().insert(name.to_string());
        let probe = Self {
            limit: PROBE,
            ..open
        }
        .list(&[], &name)
        .await;
        match (self.probes.end(&name), probe) {
            (false, _) => Err(GoGetError::new(Kind::Loop, "")),
            (true, Err(error)) if error.kind() == Kind::Abandoned => Err(error),
            (true, _) => open.once().await,
        }
    }

    async fn once(&self) -> Result<Found, GoGetError> {
        let at = self.job.name();
        let (said, has_zip) = match &self.job.asked {
            Asked::List => return self.versions().await,
            Asked::Files(_) => (self.download(&at).await?, true),
            Asked::LookUp(_) | Asked::Query(_) => (self.list(&[], &at).await?, false),
        };
        let version = said.get("Version").and_then(Value::as_str);
        let version = version.ok_or_else(|| GoGetError::nonsense("it names no version"))?;
        let version = Version::new(version)
            .and_then(|version| check(&self.job.module, &version).map(|()| version))
            .map_err(|error| GoGetError::nonsense(&format!("{at} is {version}: {error}")))?
            .into_owned();
        // What is requested by its canonical name has that name or does not exist.
        if !matches!(self.job.asked, Asked::Query(_)) && version.unescaped() != at {
            let text = format!("there is no {at}, it is called {version}");
            return Err(GoGetError::new(Kind::NotFound, text));
        }
        let commit = said.pointer("/Origin/Hash").and_then(Value::as_str);
        let (commit, module) = (commit.map(str::to_owned), self.job.module.clone());
        let modules = self.sandbox.modules();
        blocking(move || left_files(&modules, &module, version, commit, has_zip))
            .await
            .map_err(|error| GoGetError::local("the module cache", error))?
            .map(|files| Found::Version(Arc::new(files)))
            .ok_or_else(|| GoGetError::nonsense("it has left no files"))
    }

    /// The tagged versions, in order.
    ///
    /// Retracted ones too: clients learn of retractions from the highest one that is listed.
    async fn versions(&self) -> Result<Found, GoGetError> {
        let flags = ["-versions", "-retracted"];
        let said = self.list(&flags, "").await?;
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
            self.list(&flags, "latest").await?;
        }
        let lines: String = versions
            .iter()
            .map(|version| format!("{version}\n"))
            .collect();
        Ok(Found::List(lines.into()))
    }

    /// Has the files of a version put into the module cache.
    async fn download(&self, at: &str) -> Result<Value, GoGetError> {
        let argument = format!("{}@{at}", self.job.module);
        let args = ["mod", "download", "-x", "-json", &argument];
        match self.said(&args).await? {
            (said, None) => Ok(said),
            // It has refused to make a zip. The second time it makes one, and refuses to use it.
            (_, Some(error))
                if error.kind() == Kind::OldGo && self.sandbox.take_newer_modules().is_ok() =>
            {
                match self.said(&args).await? {
                    (_, Some(again)) if again.kind() != Kind::OldGo => Err(again),
                    (said, _) if said.get("Zip").is_some() => Ok(said),
                    _ => Err(error),
                }
            }
            (_, Some(error)) => Err(error),
        }
    }

    /// What `go list -m` says of a module, at a version or a query. It makes no zip.
    async fn list(&self, flags: &[&str], at: &str) -> Result<Value, GoGetError> {
        let module = self.job.module.unescaped();
        // go would look for modules that match a pattern, and for what it was not told to.
        let is_pattern = module.contains("...") || at.contains("...");
        let is_word = matches!(at, "all" | "none" | "upgrade" | "patch");
        if is_pattern || is_word || at.starts_with(['-', '<', '>']) {
            return Err(GoGetError::new(
                Kind::NotFound,
                format!("there is no version {at}"),
            ));
        }
        let argument = match at {
            "" => module.into_owned(),
            at => format!("{module}@{at}"),
        };
        let mut args = vec!["list", "-e", "-m", "-x", "-json"];
        args.extend(flags);
        args.push(&argument);
        match self.said(&args).await? {
            (said, None) => Ok(said),
            (_, Some(error)) => Err(error),
        }
    }

    /// The JSON that a command writes, and what that says of an error.
    async fn said(&self, args: &[&str]) -> Result<(Value, Option<GoGetError>), GoGetError> {
        let watch = |line: &str| match self.to_any_proxy || !self.leads_to_proxy(line) {
            true => Ok(()),
            false => Err(GoGetError::new(Kind::Loop, line)),
        };
        let output = self.sandbox.go(args, self.limit, &watch).await?;
        // With a global failure there is nothing but a message.
        let Ok(said) = serde_json::from_slice::<Value>(&output.stdout) else {
            return Err(self.error("", &output));
        };
        // Of `go list` an object, of `go mod download` a text.
        let error = said.get("Error").map(|error| {
            let message = error.get("Err").unwrap_or(error);
            self.error(message.as_str().unwrap_or_default(), &output)
        });
        Ok((said, error))
    }

    /// Whether a line of `-x` says that the go command requests something from a module proxy that is none of the settings.
    fn leads_to_proxy(&self, line: &str) -> bool {
        let url = line.strip_prefix("# get ").unwrap_or_default();
        let proxies = self.proxies.split([',', '|']);
        let mut known = proxies.map(|proxy| proxy.trim().trim_end_matches('/'));
        (url.contains("/@v/") || url.contains("/@latest"))
            && !known.any(|proxy| !proxy.is_empty() && url.starts_with(proxy))
    }

    /// The error that a message means.
    fn error(&self, message: &str, output: &Output) -> GoGetError {
        // Before it there is only what `-x` writes.
        let at = output.stderr.find("go: ").unwrap_or_default();
        let stderr = &output.stderr[at..];
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
        let no_git = self.sandbox.git().is_none() && matches!(kind, Kind::Unknown | Kind::Setup);
        let redacted = self.grant.redacted(text);
        if no_git || stderr.contains("missing Git command") {
            let text = format!("there is no git command: {redacted}");
            return GoGetError::setup(text, "it has no git command");
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
