//! A child process with all that it starts, which ends as one: bounded in time, and killed when nobody waits for it.

use std::io;
use std::path::Path;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use futures_util::future::{Either, select, try_join};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process_group, waitid, waitpgid,
};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::error::{GoGetError, Kind};
use super::folder::blocking;

/// The most that a command may write: far more than the versions of any module.
const STDOUT: u64 = 8 << 20;
/// The most that is kept of its messages. What is beyond is read and forgotten.
const STDERR: usize = 64 << 10;

/// What a command that has ended by itself has left.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
}

/// Looks at each line of a command's messages, and may end the command.
pub(super) type Watch<'a> = &'a (dyn Fn(&str) -> Result<(), GoGetError> + Sync);

/// Runs a command to its end, or until everybody has left. However this returns, no process of its group is left, and none
/// that has this home.
///
/// # Errors
///
/// If it could not run to its end. What its exit status says is no error here.
///
/// # Cancel safety
///
/// The group is killed.
pub(super) async fn run(
    mut command: Command,
    home: &Path,
    limit: Duration,
    left: &CancellationToken,
    watch: Watch<'_>,
) -> Result<Output, GoGetError> {
    let group = Group::spawn(&mut command, home);
    let mut group = group.map_err(|error| not_started(&command, &error))?;
    let read = timeout(limit, group.read(watch));
    let read = left.run_until_cancelled(read).await;
    let ended = group.end().await;
    let (stdout, stderr) = match read {
        Some(Ok(read)) => read?,
        Some(Err(_elapsed)) => {
            let text = format!("version control took longer than {limit:?}");
            return Err(GoGetError::new(Kind::TimeLimit, text));
        }
        None => return Err(GoGetError::new(Kind::Abandoned, "")),
    };
    Ok(Output {
        status: ended.map_err(not_read)?,
        stdout,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    })
}

fn not_started(command: &Command, error: &io::Error) -> GoGetError {
    let name = Path::new(command.as_std().get_program()).display();
    let text = match error.kind() {
        // No more processes, or no memory, at the moment.
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => {
            return GoGetError::local(&format!("{name} cannot be started"), error);
        }
        io::ErrorKind::NotFound => format!("{name}: no such go command"),
        _ => format!("{name} cannot be started: {error}"),
    };
    GoGetError::setup(text, "it has no go command")
}

fn not_read(error: io::Error) -> GoGetError {
    GoGetError::local("the go command", error)
}

/// A running command in a process group of its own.
///
/// The leader is not waited for before the group has been killed: as long as nobody has waited for
/// it, its id cannot become that of a stranger.
#[derive(Debug)]
struct Group<'a> {
    child: Child,
    leader: Pid,
    home: &'a Path,
    has_ended: bool,
}

impl<'a> Group<'a> {
    fn spawn(command: &mut Command, home: &'a Path) -> io::Result<Self> {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // The runtime then also collects a leader that nobody waits for any more.
            .kill_on_drop(true)
            .process_group(0);
        let child = command.spawn()?;
        let leader = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        Ok(Self {
            leader: leader.ok_or(io::ErrorKind::NotFound)?,
            child,
            home,
            has_ended: false,
        })
    }

    /// Reads all that the command writes, until it has ended.
    ///
    /// # Cancel safety
    ///
    /// What was read is lost; the group goes on.
    async fn read(&mut self, watch: Watch<'_>) -> Result<(Vec<u8>, Vec<u8>), GoGetError> {
        let stdout = read_output(self.child.stdout.take());
        let stderr = read_messages(self.child.stderr.take(), watch);
        let exited = exited(self.leader).map_err(not_read)?;
        match select(pin!(try_join(stdout, stderr)), exited).await {
            Either::Left((Ok(read), exited)) => {
                // The leader may go on for a moment.
                let _ = exited.await;
                Ok(read)
            }
            Either::Left((Err(error), _)) => Err(error),
            Either::Right((_, read)) => {
                // What is left of it may hold the pipes open.
                self.kill();
                let home = self.home.to_owned();
                blocking(move || kill_at(&home)).await.map_err(not_read)?;
                read.await
            }
        }
    }

    /// Kills what is left of the group and of its home, and collects it.
    ///
    /// # Cancel safety
    ///
    /// The group is dead in any case; the runtime then collects the leader.
    async fn end(mut self) -> io::Result<ExitStatus> {
        self.kill();
        let status = self.child.wait().await;
        self.has_ended = true;
        let (leader, home) = (self.leader, self.home.to_owned());
        let cleared = blocking(move || {
            // The dead of the group whose parents are gone are ours where this is process 1, as in a container, or one
            // that takes orphans in; else there are none.
            while waitpgid(leader, WaitOptions::empty()).is_ok() {}
            kill_at(&home)
        });
        cleared.await?;
        status
    }

    fn kill(&self) {
        // It fails only if there is nobody left.
        let _ = kill_process_group(self.leader, Signal::KILL);
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.kill();
            // Those that are not found are left to a later sweep.
            let _ = kill_at(self.home);
        }
    }
}

/// Resolves when a process has ended, and leaves it uncollected: killed before that, it would have no status of its own.
fn exited(leader: Pid) -> io::Result<oneshot::Receiver<()>> {
    let (sender, exited) = oneshot::channel();
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    // One that goes on is killed at the end of its time, which ends this too.
    std::thread::Builder::new().spawn(move || {
        // It fails only if the process was collected, and has ended then too.
        let _ = waitid(WaitId::Pid(leader), options);
        // Nobody may wait for it any more.
        let _ = sender.send(());
    })?;
    Ok(exited)
}

async fn read_output(pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, GoGetError> {
    let mut read = Vec::new();
    if let Some(pipe) = pipe {
        let mut pipe = pipe.take(STDOUT);
        pipe.read_to_end(&mut read).await.map_err(not_read)?;
        if pipe.limit() == 0 {
            return Err(GoGetError::nonsense("it never stops writing"));
        }
    }
    Ok(read)
}

async fn read_messages(
    pipe: Option<impl AsyncRead + Unpin>,
    watch: Watch<'_>,
) -> Result<Vec<u8>, GoGetError> {
    let (mut kept, mut line) = (Vec::new(), Vec::new());
    let Some(pipe) = pipe else {
        return Ok(kept);
    };
    let mut pipe = BufReader::new(pipe);
    loop {
        line.clear();
        let mut part = (&mut pipe).take(STDERR as u64);
        let read = part.read_until(b'\n', &mut line).await;
        if read.map_err(not_read)? == 0 {
            return Ok(kept);
        }
        watch(&String::from_utf8_lossy(&line))?;
        line.truncate(STDERR - kept.len());
        kept.extend_from_slice(&line);
    }
}

/// Kills all processes that have this folder as their `HOME`, whatever their group and session. On Linux alone: elsewhere
/// no process can be asked for it.
///
/// # Errors
///
/// If they cannot be looked for.
pub(super) fn kill_at(home: &Path) -> io::Result<()> {
    /// Each that was killed may have started others just before.
    const ROUNDS: usize = 16;

    for _ in 0..ROUNDS {
        if !kill_once(home)? {
            break;
        }
    }
    Ok(())
}

/// Returns whether there was one.
#[cfg(target_os = "linux")]
fn kill_once(home: &Path) -> io::Result<bool> {
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;

    use rustix::process::{PidfdFlags, pidfd_open, pidfd_send_signal};

    let wanted = [b"HOME=", home.as_os_str().as_bytes()].concat();
    let mut was_there = false;
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let pid = entry.file_name().to_str().and_then(|id| id.parse().ok());
        // Those of others cannot be read, and of one that has ended nothing is left.
        let is_ours = || {
            let vars = fs::read(entry.path().join("environ")).unwrap_or_default();
            vars.split(|byte| *byte == 0).any(|var| var == wanted)
        };
        if let Some(pid) = pid.and_then(Pid::from_raw)
            && is_ours()
            // Held before the process is looked at again: its id cannot become that of a stranger.
            && let Ok(process) = pidfd_open(pid, PidfdFlags::empty())
            && is_ours()
        {
            was_there |= pidfd_send_signal(&process, Signal::KILL).is_ok();
        }
    }
    Ok(was_there)
}

#[cfg(not(target_os = "linux"))]
fn kill_once(_: &Path) -> io::Result<bool> {
    Ok(false)
}
