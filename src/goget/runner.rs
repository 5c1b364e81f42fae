//! One job at work.

use std::fs::File;
use std::io;

use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

use super::error::{GoGetError, Kind};
use super::job::Job;
use super::ready::{NotReady, Ready, not_run, setup};
use super::run::{Stop, Unwanted, run};
use super::{classify, mend, observe, show};

/// Why a job has no result.
pub(super) enum Failed {
    /// Everybody has left.
    Unwanted,
    Error(GoGetError),
}

impl From<GoGetError> for Failed {
    fn from(error: GoGetError) -> Self {
        Self::Error(error)
    }
}

impl From<NotReady> for Failed {
    fn from(error: NotReady) -> Self {
        match error {
            NotReady::Unwanted => Self::Unwanted,
            NotReady::Error(error) => Self::Error(error),
        }
    }
}

/// One job at work: it holds a place.
pub(super) struct Runner<'a> {
    ready: &'a Ready,
    job: &'a Job,
    unwanted: Unwanted,
    /// A place, and what keeps clean-ups away.
    _held: (OwnedSemaphorePermit, File),
}

impl<'a> Runner<'a> {
    pub(super) fn new(
        ready: &'a Ready,
        job: &'a Job,
        unwanted: Unwanted,
        held: (OwnedSemaphorePermit, File),
    ) -> Self {
        Self {
            ready,
            job,
            unwanted,
            _held: held,
        }
    }

    pub(super) fn job(&self) -> &'a Job {
        self.job
    }

    /// Runs the go command, and returns what it writes and its messages.
    pub(super) async fn go(&mut self, args: &[&str]) -> Result<(Vec<u8>, String), Failed> {
        let (stdout, stderr) = self.run(args).await?;
        if !mend::is_needed(&stdout, &stderr) {
            return Ok((stdout, stderr));
        }
        let module_cache = self.ready.module_cache();
        let mended = spawn_blocking(move || mend::mend(&module_cache)).await;
        observe::mended(&mended.map_err(io::Error::other).and_then(|mended| mended));
        self.run(args).await
    }

    async fn run(&mut self, args: &[&str]) -> Result<(Vec<u8>, String), Failed> {
        observe::running(args);
        let config = self.ready.config();
        match run(self.ready.go(args), config.time_limit, &mut self.unwanted).await {
            Ok(output) => Ok((output.stdout, output.stderr)),
            Err(Stop::Unwanted) => Err(Failed::Unwanted),
            Err(stop) => Err(not_run(&config.go, &stop).into()),
        }
    }

    /// The error that a message means.
    pub(super) fn error(&self, message: &str, stderr: &str) -> GoGetError {
        let text = if message.trim().is_empty() {
            stderr
        } else {
            message
        };
        let text = show::redacted(self.ready.config(), text);
        let shown = show::line(&text);
        let module = self.job.module.unescaped();
        let kind = classify::classify(&text, &[&module, &self.job.name()]);
        let no_git = !self.ready.git && matches!(kind, Kind::Unknown | Kind::Setup);
        if no_git || stderr.contains("missing Git command") {
            return setup(format!("there is no git command: {text}"))
                .showing("it has no git command");
        }
        // git asks for others when those that it has sent are wrong.
        let kind = match kind {
            Kind::NoCredentials if self.ready.config().knows_host_in(&text) => Kind::Credentials,
            kind => kind,
        };
        GoGetError::new(kind, text).showing(shown)
    }
}

/// The go command has not said what it should.
pub(super) fn nonsense(what: &str) -> GoGetError {
    GoGetError::new(Kind::Nonsense, format!("the go command: {what}"))
}
