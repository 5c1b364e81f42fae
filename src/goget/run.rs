//! One run of a command: bounded in time, and given up when nobody wants it any more.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::process::Command;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::group::Group;

/// Resolves when the last one who waits has left.
pub(super) type Unwanted = oneshot::Receiver<Infallible>;

/// What a command that has ended by itself has left.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

/// Why there is no output.
#[derive(Debug)]
pub(super) enum Stop {
    /// The command cannot be started.
    NotStarted(io::Error),
    /// Its pipes cannot be read, or it cannot be waited for.
    Io(io::Error),
    /// It took longer than this.
    TimedOut(Duration),
    /// It wrote more than makes sense.
    Overflow,
    /// Everybody has left.
    Unwanted,
}

/// Runs a command to its end. However this returns, no process of its group is left.
///
/// # Errors
///
/// If it could not run to its end. What its exit status says is no error here.
///
/// # Cancel safety
///
/// The group is killed.
pub(super) async fn run(
    command: io::Result<(Command, Stdio)>,
    limit: Duration,
    unwanted: &mut Unwanted,
) -> Result<Output, Stop> {
    let mut group = command
        .and_then(|(command, stdin)| Group::spawn(command, stdin))
        .map_err(Stop::NotStarted)?;
    let read = {
        let read = pin!(timeout(limit, group.read()));
        match select(read, unwanted).await {
            Either::Left((Ok(Ok(Some(written))), _)) => Ok(written),
            Either::Left((Ok(Ok(None)), _)) => Err(Stop::Overflow),
            Either::Left((Ok(Err(error)), _)) => Err(Stop::Io(error)),
            Either::Left((Err(_elapsed), _)) => Err(Stop::TimedOut(limit)),
            Either::Right(_) => Err(Stop::Unwanted),
        }
    };
    let ended = group.end().await;
    let written = read?;
    let status = ended.map_err(Stop::Io)?;
    Ok(Output {
        status,
        stdout: written.stdout,
        stderr: String::from_utf8_lossy(&written.stderr).into_owned(),
    })
}
