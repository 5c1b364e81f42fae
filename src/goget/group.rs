//! A child process with all that it starts, which dies as one.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};

/// The most that is read of the output of a command: far more than the versions of any module.
const STDOUT: usize = 8 << 20;
/// The most that is kept of its messages. What is beyond is read and forgotten.
const STDERR: usize = 64 << 10;

/// What a command has written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    /// The output was longer than any that makes sense.
    pub(super) overflow: bool,
}

/// A running command in a process group of its own.
///
/// The leader is not waited for before the group has been killed: as long as nobody has waited for
/// it, its id cannot become that of a stranger.
#[derive(Debug)]
pub(super) struct Group {
    child: Child,
    alive: bool,
}

impl Group {
    /// # Errors
    ///
    /// If the command cannot be started.
    pub(super) fn spawn(mut command: Command) -> io::Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // The runtime then also collects a leader that nobody waits for any more.
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn()?;
        Ok(Self { child, alive: true })
    }

    /// Reads all that the command writes, until it and all that inherited its pipes have closed them.
    ///
    /// # Cancel safety
    ///
    /// What was read is lost; the group goes on.
    pub(super) async fn read(&mut self) -> io::Result<Written> {
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let output = async {
            match stdout {
                Some(pipe) => read_at_most(pipe, STDOUT).await,
                None => Ok((Vec::new(), false)),
            }
        };
        let messages = async {
            match stderr {
                Some(pipe) => read_and_forget(pipe, STDERR).await,
                None => Ok(Vec::new()),
            }
        };
        let ((stdout, overflow), stderr) = futures_util::future::try_join(output, messages).await?;
        Ok(Written {
            stdout,
            stderr,
            overflow,
        })
    }

    /// Kills what is left of the group, and waits for its leader.
    ///
    /// # Cancel safety
    ///
    /// The group is dead in any case; the runtime then collects the leader.
    pub(super) async fn end(mut self) -> io::Result<ExitStatus> {
        self.kill();
        self.child.wait().await
    }

    fn kill(&mut self) {
        if !std::mem::take(&mut self.alive) {
            return;
        }
        #[cfg(unix)]
        {
            use rustix::process::{Pid, Signal, kill_process_group};

            let leader = self
                .child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(Pid::from_raw);
            if let Some(leader) = leader {
                // It fails only if there is nobody left.
                let _ = kill_process_group(leader, Signal::KILL);
            }
        }
        #[cfg(not(unix))]
        {
            // It fails only if the process has ended.
            let _ = self.child.start_kill();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Reads up to `most` bytes, and says whether there are more.
async fn read_at_most(pipe: impl AsyncRead + Unpin, most: usize) -> io::Result<(Vec<u8>, bool)> {
    let mut bytes = Vec::new();
    let mut pipe = pipe.take(most as u64 + 1);
    pipe.read_to_end(&mut bytes).await?;
    let overflow = bytes.len() > most;
    Ok((bytes, overflow))
}

/// Reads everything, and keeps the first `most` bytes.
async fn read_and_forget(mut pipe: impl AsyncRead + Unpin, most: usize) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let mut part = vec![0; 8 << 10];
    loop {
        let read = pipe.read(&mut part).await?;
        if read == 0 {
            return Ok(kept);
        }
        let room = most - kept.len();
        kept.extend_from_slice(&part[..read.min(room)]);
    }
}
