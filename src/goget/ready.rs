//! Whether the commands can run at all.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;

use super::config::Config;
use super::error::{GoGetError, Kind};
use super::run::{Stop, Unwanted, run};
use super::runner::Failed;
use super::tools::Tools;
use super::{clean, held, show};

/// The first go command with `GOTOOLCHAIN`, without which it would download others.
const LEAST: u32 = 21;
/// Far more than `go version` ever needs.
const WAIT: Duration = Duration::from_secs(60);

/// Looks whether there is a go command that is new enough. What was left of servers that are gone ends here.
///
/// # Errors
///
/// If the folders cannot be made, or if there is no such command.
///
/// # Cancel safety
///
/// A command that runs is killed.
pub(super) async fn look(config: Arc<Config>, mut unwanted: Unwanted) -> Result<(), Failed> {
    let folder = config.cache.clone();
    let swept = spawn_blocking(move || clean::sweep(&folder)).await;
    swept
        .map_err(io::Error::other)
        .and_then(|swept| swept)
        .map_err(|error| {
            setup(format!("{}: {error}", config.cache.display()))
                .showing("its folder for modules cannot be used")
        })?;
    let lock = held::lock(&config, &mut unwanted).await?;
    let modules = config.modules_of(None);
    let tools = Tools::open(config, modules, lock).await?;
    let checked = check_go(&tools, &mut unwanted).await;
    tools.close().await;
    checked
}

async fn check_go(tools: &Tools, unwanted: &mut Unwanted) -> Result<(), Failed> {
    let go = &tools.config().go;
    let name = go.display();
    let output = match run(tools.go(&["version"]), WAIT, unwanted).await {
        Ok(output) => output,
        Err(Stop::Unwanted) => return Err(Failed::Unwanted),
        Err(stop) => return Err(not_run(tools, &stop).into()),
    };
    let said = String::from_utf8_lossy(&output.stdout);
    match minor(&said) {
        Some(minor) if minor >= LEAST => Ok(()),
        Some(minor) => Err(setup(format!(
            "{name} is Go 1.{minor}, and 1.{LEAST} or later is needed"
        ))
        .showing(format!("its go command is older than 1.{LEAST}"))
        .into()),
        None => {
            let said = format!("{said}{}({})", output.stderr, output.status);
            let said = show::redacted(tools.config(), &said);
            Err(setup(format!("{name} is no go command: {said}"))
                .showing("it has no go command")
                .into())
        }
    }
}

/// A command that could not be run to its end, though somebody wanted it.
pub(super) fn not_run(tools: &Tools, stop: &Stop) -> GoGetError {
    let name = tools.config().go.display();
    match stop {
        Stop::NotStarted(_) if !tools.is_there() => {
            GoGetError::new(Kind::Local, "the folder of a command has gone")
        }
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
