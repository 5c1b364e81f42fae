//! A child process with all that it starts, which dies as one.

use std::io;
use std::process::{ExitStatus, Stdio};

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::{Child, Command};
use tokio::task::spawn_blocking;

/// The most that is read of the output of a command: far more than the versions of any module.
const STDOUT: usize = 8 << 20;
/// The most that is kept of its messages. What is beyond is read and forgotten.
const STDERR: usize = 64 << 10;

/// What a command has written.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
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
    pub(super) fn spawn(mut command: Command, stdin: Stdio) -> io::Result<Self> {
        command
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // The runtime then also collects a leader that nobody waits for any more.
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn()?;
        Ok(Self { child, alive: true })
    }

    /// Reads all that the command writes, until it has ended and all that inherited its pipes have closed them. `None` if
    /// it writes more than makes sense.
    ///
    /// # Cancel safety
    ///
    /// What was read is lost; the group goes on.
    pub(super) async fn read(&mut self) -> io::Result<Option<Written>> {
        let (stdout, stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let output = async {
            match stdout {
                Some(pipe) => read_at_most(pipe, STDOUT).await,
                None => Ok(Vec::new()),
            }
        };
        let messages = async {
            match stderr {
                Some(pipe) => read_and_forget(pipe, STDERR).await.map_err(Unread::Io),
                None => Ok(Vec::new()),
            }
        };
        match futures_util::future::try_join(output, messages).await {
            Ok((stdout, stderr)) => {
                self.exited().await?;
                Ok(Some(Written { stdout, stderr }))
            }
            Err(Unread::Overflow) => Ok(None),
            Err(Unread::Io(error)) => Err(error),
        }
    }

    /// Waits until the leader has ended, and leaves it uncollected: killed before that, it would have no status of its own.
    async fn exited(&self) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(leader) = self.leader() {
            use rustix::process::{WaitId, WaitIdOptions, waitid};

            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            // A leader that goes on is killed at the end of its time, which ends this too.
            let waited = spawn_blocking(move || waitid(WaitId::Pid(leader), options)).await;
            waited.map_err(io::Error::other)??;
        }
        Ok(())
    }

    /// Kills what is left of the group, and collects it.
    ///
    /// # Cancel safety
    ///
    /// The group is dead in any case; the runtime then collects the leader.
    pub(super) async fn end(mut self) -> io::Result<ExitStatus> {
        #[cfg(unix)]
        let leader = self.leader();
        self.kill();
        let status = self.child.wait().await;
        #[cfg(unix)]
        if let Some(leader) = leader {
            collect(leader).await;
        }
        status
    }

    #[cfg(unix)]
    fn leader(&self) -> Option<rustix::process::Pid> {
        let id = i32::try_from(self.child.id()?).ok()?;
        rustix::process::Pid::from_raw(id)
    }

    fn kill(&mut self) {
        if !std::mem::take(&mut self.alive) {
            return;
        }
        #[cfg(unix)]
        {
            use rustix::process::{Signal, kill_process_group};

            if let Some(leader) = self.leader() {
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

/// Collects the dead of a group whose parents are gone. They are ours where this is process 1, as in a container, or
/// one that takes orphans in; else there are none.
#[cfg(unix)]
async fn collect(group: rustix::process::Pid) {
    use rustix::process::{WaitOptions, waitpgid};

    // Most often there is nothing to wait for, and no need for a thread.
    if waitpgid(group, WaitOptions::NOHANG).is_err() {
        return;
    }
    // All have been killed, so each ends soon. One that cannot be waited for is not ours.
    let all = move || while waitpgid(group, WaitOptions::empty()).is_ok() {};
    // It fails only if the thread panics, which it has no reason to.
    let _ = spawn_blocking(all).await;
}

/// Why output is not read to its end.
enum Unread {
    Io(io::Error),
    Overflow,
}

/// Reads up to `most` bytes.
async fn read_at_most(pipe: impl AsyncRead + Unpin, most: usize) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    let mut pipe = pipe.take(most as u64 + 1);
    pipe.read_to_end(&mut bytes).await.map_err(Unread::Io)?;
    if bytes.len() > most {
        return Err(Unread::Overflow);
    }
    Ok(bytes)
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
