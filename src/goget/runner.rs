//! One job at work.

use super::error::{GoGetError, Kind};
use super::job::Job;
use super::ready::{not_run, setup};
use super::run::{Output, Stop, Unwanted, run};
use super::tools::Tools;
use super::{classify, observe, show};

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

/// One job at work.
pub(super) struct Runner<'a> {
    tools: &'a Tools,
    job: &'a Job,
    unwanted: Unwanted,
    killed: bool,
}

impl<'a> Runner<'a> {
    pub(super) fn new(tools: &'a Tools, job: &'a Job, unwanted: Unwanted) -> Self {
        Self {
            tools,
            job,
            unwanted,
            killed: false,
        }
    }

    pub(super) fn job(&self) -> &'a Job {
        self.job
    }

    /// Whether a command was killed, which can have left something half made.
    pub(super) fn was_killed(&self) -> bool {
        self.killed
    }

    /// Runs the go command.
    pub(super) async fn go(&mut self, args: &[&str]) -> Result<Output, Failed> {
        observe::running(args);
        let limit = self.tools.config().time_limit;
        let ended = run(self.tools.go(args), limit, &mut self.unwanted).await;
        self.killed |= match &ended {
            Ok(output) => output.status.code().is_none(),
            Err(stop) => !matches!(stop, Stop::NotStarted(_)),
        };
        match ended {
            Ok(output) => Ok(output),
            Err(Stop::Unwanted) => Err(Failed::Unwanted),
            Err(stop) => Err(not_run(self.tools, &stop).into()),
        }
    }

    /// The error that a message means.
    pub(super) fn error(&self, message: &str, output: &Output) -> GoGetError {
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
        let text = show::redacted(self.tools.config(), text);
        let shown = show::line(&text);
        let module = self.job.module.unescaped();
        let kind = classify::classify(&text, &[&module, &self.job.name()]);
        let no_git = !self.tools.git && matches!(kind, Kind::Unknown | Kind::Setup);
        if no_git || stderr.contains("missing Git command") {
            return setup(format!("there is no git command: {text}"))
                .showing("it has no git command");
        }
        // git asks for others when those that it has sent are wrong.
        let kind = match kind {
            Kind::NoCredentials if self.tools.config().knows_host_in(&text) => Kind::Credentials,
            kind => kind,
        };
        GoGetError::new(kind, text).showing(shown)
    }
}

/// The go command has not said what it should.
pub(super) fn nonsense(what: &str) -> GoGetError {
    GoGetError::new(Kind::Nonsense, format!("the go command: {what}"))
}
