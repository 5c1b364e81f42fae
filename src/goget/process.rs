//! A child process with all that it starts, which ends as one: bounded in time, and killed when nobody waits for it.

use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::future::{Either, select, try_join};
use tokio::io::{AsyncRead, AsyncReadExt as _, copy, sink};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::folder::blocking;

/// Resolves when the last one who waits has left.
pub(super) type Unwanted = oneshot::Receiver<Infallible>;

/// The most that a command may write: far more than the versions of any module.
const STDOUT: u64 = 8 << 20;
/// The most that is kept of its messages. What is beyond is read and forgotten.
const STDERR: u64 = 64 << 10;

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

/// Runs a command to its end. However this returns, no process of its group is left, and none that has this home.
///
/// # Errors
///
/// If it could not run to its end. What its exit status says is no error here.
///
/// # Cancel safety
///
/// The group is killed.
pub(super) async fn run(
    command: Command,
    home: &Path,
    limit: Duration,
    unwanted: &mut Unwanted,
) -> Result<Output, Stop> {
    let mut group = Group::spawn(command, home).map_err(Stop::NotStarted)?;
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
    let (stdout, stderr) = read?;
    let status = ended.map_err(Stop::Io)?;
    Ok(Output {
        status,
        stdout,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    })
}

/// A running command in a process group of its own.
///
/// The leader is not waited for before the group has been killed: as long as nobody has waited for
/// it, its id cannot become that of a stranger.
#[derive(Debug)]
struct Group<'a> {
    child: Child,
    home: &'a Path,
}

impl<'a> Group<'a> {
    fn spawn(mut command: Command, home: &'a Path) -> io::Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // The runtime then also collects a leader that nobody waits for any more.
            .kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let child = command.spawn()?;
        Ok(Self { child, home })
    }

    /// Reads all that the command writes, until it has ended. `None` if it writes more than makes sense.
    ///
    /// # Cancel safety
    ///
    /// What was read is lost; the group goes on.
    async fn read(&mut self) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
        let stdout = read_pipe(self.child.stdout.take(), STDOUT);
        let stderr = read_pipe(self.child.stderr.take(), STDERR);
        let read = match select(pin!(try_join(stdout, stderr)), self.exited()?).await {
            // The leader may go on for a moment.
            Either::Left((Ok(written), exited)) => {
                #[cfg(unix)]
                exited.await.map_err(io::Error::other)??;
                #[cfg(not(unix))]
                drop(exited);
                Ok(written)
            }
            Either::Left((Err(error), _)) => Err(error),
            Either::Right((exited, read)) => {
                exited.map_err(io::Error::other)??;
                // What is left of it may hold the pipes open.
                self.kill();
                let home = self.home.to_owned();
                blocking(move || kill_at(&home)).await?;
                read.await
            }
        };
        let ((stdout, is_whole), (stderr, _)) = read?;
        Ok(is_whole.then_some((stdout, stderr)))
    }

    /// Resolves when the leader has ended, and leaves it uncollected: killed before that, it would have no status of its own.
    #[cfg(unix)]
    fn exited(&self) -> io::Result<oneshot::Receiver<io::Result<()>>> {
        use rustix::process::{WaitId, WaitIdOptions, waitid};

        let (sender, exited) = oneshot::channel();
        if let Some(leader) = self.leader() {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            // A leader that goes on is killed at the end of its time, which ends this too.
            std::thread::Builder::new().spawn(move || {
                let waited = waitid(WaitId::Pid(leader), options);
                // It fails only if nobody waits for it any more.
                let _ = sender.send(waited.map(drop).map_err(io::Error::from));
            })?;
        }
        Ok(exited)
    }

    /// Nobody can tell before the pipes are closed.
    #[cfg(not(unix))]
    fn exited(&self) -> io::Result<std::future::Pending<Result<io::Result<()>, io::Error>>> {
        Ok(std::future::pending())
    }

    /// Kills what is left of the group and of its home, and collects it.
    ///
    /// # Cancel safety
    ///
    /// The group is dead in any case; the runtime then collects the leader.
    async fn end(mut self) -> io::Result<ExitStatus> {
        #[cfg(unix)]
        let leader = self.leader();
        self.kill();
        let status = self.child.wait().await;
        #[cfg(unix)]
        if let Some(leader) = leader {
            collect(leader).await;
        }
        let home = self.home.to_owned();
        blocking(move || kill_at(&home)).await?;
        status
    }

    #[cfg(unix)]
    fn leader(&self) -> Option<rustix::process::Pid> {
        let id = i32::try_from(self.child.id()?).ok()?;
        rustix::process::Pid::from_raw(id)
    }

    /// Does nothing once the leader has been collected.
    fn kill(&mut self) {
        #[cfg(unix)]
        if let Some(leader) = self.leader() {
            use rustix::process::{Signal, kill_process_group};

            // It fails only if there is nobody left.
            let _ = kill_process_group(leader, Signal::KILL);
        }
        #[cfg(not(unix))]
        {
            // It fails only if the process has ended.
            let _ = self.child.start_kill();
        }
    }
}

impl Drop for Group<'_> {
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
    let _ = tokio::task::spawn_blocking(all).await;
}

/// Reads everything and keeps the first `most` bytes. Returns whether that is all.
async fn read_pipe(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<(Vec<u8>, bool)> {
    let (mut kept, mut rest) = (Vec::new(), 0);
    if let Some(mut pipe) = pipe {
        (&mut pipe).take(most).read_to_end(&mut kept).await?;
        rest = copy(&mut pipe, &mut sink()).await?;
    }
    Ok((kept, rest == 0))
}

/// Kills all processes that have this folder as their `HOME`, whatever their group and session. On Linux alone: elsewhere
/// no process can be asked for it.
///
/// # Errors
///
/// If they cannot be looked for.
#[cfg(target_os = "linux")]
pub(super) fn kill_at(home: &Path) -> io::Result<()> {
    /// Each that was killed may have started others just before.
    const ROUNDS: usize = 16;

    for _ in 0..ROUNDS {
        if kill_once(home)? == 0 {
            break;
        }
    }
    Ok(())
}

#[cfg(target_os = "linux")]
fn kill_once(home: &Path) -> io::Result<usize> {
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;

    use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

    let mut wanted = b"HOME=".to_vec();
    wanted.extend(home.as_os_str().as_bytes());
    let mut killed = 0;
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let pid = entry.file_name().to_str().and_then(|id| id.parse().ok());
        let Some(pid) = pid.and_then(Pid::from_raw) else {
            continue;
        };
        // Those of others cannot be read, and of one that has ended nothing is left.
        let is_ours = || {
            let vars = fs::read(entry.path().join("environ")).unwrap_or_default();
            vars.split(|byte| *byte == 0).any(|var| var == wanted)
        };
        if !is_ours() {
            continue;
        }
        // Held before the process is looked at again: its id cannot become that of a stranger.
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        if is_ours() && pidfd_send_signal(&process, Signal::KILL).is_ok() {
            killed += 1;
        }
    }
    Ok(killed)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn kill_at(_: &Path) -> io::Result<()> {
    Ok(())
}
