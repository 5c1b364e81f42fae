//! What the go command is run for: its arguments, its output, and the files that it leaves.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use super::error::{GoGetError, Kind};
use super::files::{Asked, Found, Job, left_files};
use super::message;
use super::process::Output;
use super::sandbox::Sandbox;
use super::settings::Settings;
use super::shown::shown;
use crate::lock::lock;
use crate::module::version::{Version, check};

/// How long a module proxy may take to show that it is this server.
const PROBE: Duration = Duration::from_secs(10);

/// Names of versions that runs of this service request right now, to see whether they reach this service.
pub(super) type Probes = Mutex<HashSet<String>>;

/// One job at work. Everything here blocks the thread.
#[derive(Clone, Copy)]
pub(super) struct Go<'a> {
    pub(super) settings: &'a Settings,
    pub(super) sandbox: &'a Sandbox,
    pub(super) job: &'a Job,
    pub(super) probes: &'a Probes,
    /// For one command.
    pub(super) limit: Duration,
    /// Module proxies that no setting names may be requested: a go-import of the kind `mod` leads to them.
    pub(super) to_any_proxy: bool,
}

impl Go<'_> {
    /// Does the job.
    pub(super) fn run(self) -> Result<Found, GoGetError> {
        match self.once() {
            Err(error) if error.kind() == Kind::Loop => {}
            done => return done,
        }
        // That proxy may be this server, which would wait for itself. If it is, this request comes back at once.
        let open = Self {
            to_any_proxy: true,
            ..self
        };
        let probe = Self {
            limit: PROBE,
            ..open
        };
        let name = self.sandbox.name();
        lock(self.probes).insert(name.to_string());
        // Whatever it finds.
        let _ = probe.list(&[], &name);
        match lock(self.probes).remove(&*name) {
            true => open.once(),
            false => Err(GoGetError::new(Kind::Loop, "")),
        }
    }

    fn once(&self) -> Result<Found, GoGetError> {
        let at = self.job.name();
        let (said, has_zip) = match &self.job.asked {
            Asked::List => return self.versions(),
            Asked::Files(_) => (self.download(&at)?, true),
            Asked::LookUp(_) | Asked::Query(_) => (self.list(&[], &at)?, false),
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
        let (commit, modules) = (commit.map(str::to_owned), self.sandbox.modules());
        let files = left_files(&modules, &self.job.module, version, commit, has_zip);
        let files = files.map_err(|error| match error.kind() {
            ErrorKind::NotFound => GoGetError::nonsense("it has left no files"),
            _ => GoGetError::local("the module cache", error),
        })?;
        Ok(Found::Version(Arc::new(files)))
    }

    /// The tagged versions, in order.
    ///
    /// Retracted ones too: clients learn of retractions from the highest one that is listed.
    fn versions(&self) -> Result<Found, GoGetError> {
        let flags = ["-versions", "-retracted"];
        let said = self.list(&flags, "")?;
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
            self.list(&flags, "latest")?;
        }
        let lines: String = versions
            .iter()
            .map(|version| format!("{version}\n"))
            .collect();
        Ok(Found::List(lines.into()))
    }

    /// Has the files of a version put into the module cache.
    fn download(&self, at: &str) -> Result<Value, GoGetError> {
        let argument = format!("{}@{at}", self.job.module);
        let args = ["mod", "download", "-x", "-json", &argument];
        match self.said(&args) {
            // It has refused to make a zip. The second time it makes one, and refuses to use it.
            Err(error)
                if error.kind() == Kind::OldGo && self.sandbox.take_newer_modules().is_ok() =>
            {
                self.said(&args)
            }
            said => said,
        }
    }

    /// What `go list -m` says of a module, at a version or a query. It makes no zip.
    fn list(&self, flags: &[&str], at: &str) -> Result<Value, GoGetError> {
        let module = self.job.module.unescaped();
        // go would look for modules that match a pattern, and for what it was not told to.
        let is_pattern = module.contains("...") || at.contains("...");
        let is_word = matches!(at, "all" | "none" | "upgrade" | "patch");
        if is_pattern || is_word || at.starts_with(['-', '<', '>']) {
            let text = format!("there is no version {at}");
            return Err(GoGetError::new(Kind::NotFound, text));
        }
        let argument = match at {
            "" => module.into_owned(),
            at => format!("{module}@{at}"),
        };
        let mut args = vec!["list", "-e", "-m", "-x", "-json"];
        args.extend(flags);
        args.push(&argument);
        self.said(&args)
    }

    /// The JSON that a command writes, unless that has an error.
    fn said(&self, args: &[&str]) -> Result<Value, GoGetError> {
        let (proxies, is_open) = (&self.settings.go_vars["GOPROXY"], self.to_any_proxy);
        let watch = |line: &str| match is_open || !leads_to_proxy(line, proxies) {
            true => Ok(()),
            false => Err(GoGetError::new(Kind::Loop, line)),
        };
        let output = self.sandbox.go(args, self.limit, &watch)?;
        // With a global failure there is nothing but a message.
        let Ok(said) = serde_json::from_slice::<Value>(&output.stdout) else {
            return Err(self.error("", &output));
        };
        let Some(error) = said.get("Error") else {
            return Ok(said);
        };
        // Of `go list` an object, of `go mod download` a text.
        let message = error.get("Err").unwrap_or(error).as_str();
        let error = self.error(message.unwrap_or_default(), &output);
        match error.kind() {
            // It does not matter that it cannot be used here.
            Kind::OldGo if said.get("Zip").is_some() => Ok(said),
            _ => Err(error),
        }
    }

    /// The error that a message means.
    fn error(&self, message: &str, output: &Output) -> GoGetError {
        // Before it there is only what `-x` writes.
        let at = output.stderr.find("go: ").unwrap_or_default();
        let stderr = &output.stderr[at..];
        let silent = format!("the go command says nothing: {}", output.status);
        let mut texts = [message, stderr].into_iter();
        let text = texts
            .find(|text| !text.trim().is_empty())
            .unwrap_or(&silent);
        let (module, name) = (self.job.module.unescaped(), self.job.name());
        let kind = message::kind(text, &[&module, &name]);
        let no_git = self.sandbox.git().is_none() && matches!(kind, Kind::Unknown | Kind::Setup);
        let redacted = self.sandbox.grant.redacted(text);
        if no_git || stderr.contains("missing Git command") {
            let text = format!("there is no git command: {redacted}");
            return GoGetError::setup(text, "it has no git command");
        }
        // git asks for others when those that it has sent are wrong.
        let kind = match kind {
            Kind::NoCredentials if self.sandbox.grant.knows_host_in(text) => Kind::Credentials,
            kind => kind,
        };
        let shown = shown(&redacted, self.job.host());
        GoGetError::new(kind, redacted).showing(shown)
    }
}

/// Whether a line of `-x` says that the go command requests something from a module proxy that is none of these.
fn leads_to_proxy(line: &str, proxies: &str) -> bool {
    let url = line.strip_prefix("# get ").unwrap_or_default();
    let proxies = proxies.split([',', '|']);
    let mut known = proxies.map(|proxy| proxy.trim().trim_end_matches('/'));
    (url.contains("/@v/") || url.contains("/@latest"))
        && !known.any(|proxy| !proxy.is_empty() && url.starts_with(proxy))
}
