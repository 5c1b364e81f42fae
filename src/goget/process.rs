//! A child process with all that it starts, which ends as one: bounded in time, and killed when nobody waits for it.

use std::io::{self, BufRead as _, BufReader, PipeReader, Read as _, Seek as _};
use std::mem;
use std::os::unix::process::CommandExt as _;
use std::panic::resume_unwind;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::io::retry_on_intr;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process_group, waitid, waitpgid,
};

use super::error::{GoGetError, Kind};
use crate::lock::lock;

/// The most that is read of what a command writes: far more than the versions of any module.
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

/// Ends the commands of one thread from another one.
#[derive(Debug, Default)]
pub(super) struct Stop(Mutex<Stage>);

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Idle,
    /// The leader of this group has not been waited for: its id is that of no stranger.
    Running(Pid),
    Stopped,
}

impl Stop {
    /// Kills the command that runs, and lets no other one start.
    pub(super) fn stop(&self) {
        if let Stage::Running(leader) = mem::replace(&mut *lock(&self.0), Stage::Stopped) {
            kill(leader);
        }
    }

    fn spawn(&self, mut command: Command) -> Result<Child, GoGetError> {
        let mut stage = lock(&self.0);
        if matches!(*stage, Stage::Stopped) {
            return Err(GoGetError::new(Kind::Abandoned, ""));
        }
        let child = command.spawn();
        let child = child.map_err(|error| not_started(&command, &error))?;
        *stage = Stage::Running(Pid::from_child(&child));
        Ok(child)
    }

    /// Kills what is left of the group of a command and of its home, and collects it.
    fn end(&self, mut child: Child, home: &Path) -> io::Result<ExitStatus> {
        if let stage @ Stage::Running(_) = &mut *lock(&self.0) {
            *stage = Stage::Idle;
        }
        let leader = Pid::from_child(&child);
        kill(leader);
        let status = child.wait();
        // The dead of the group whose parents are gone are ours where this is process 1, as in a container, or one that
        // takes orphans in; else there are none.
        while retry_on_intr(|| waitpgid(leader, WaitOptions::empty())).is_ok() {}
        kill_at(home)?;
        status
    }
}

fn kill(leader: Pid) {
    // It fails only if there is nobody left.
    let _ = kill_process_group(leader, Signal::KILL);
}

/// Runs a command to its end, or until it is stopped. However this returns, no process of its group is left, and none that
/// has this home. Blocks the thread.
///
/// # Errors
///
/// If it could not run to its end. What its exit status says is no error here.
pub(super) fn run(
    mut command: Command,
    home: &Path,
    limit: Duration,
    stop: &Stop,
    watch: Watch<'_>,
) -> Result<Output, GoGetError> {
    thread::scope(|scope| {
        // Told of what ends the command: itself, or one of its messages.
        let (end, ended) = channel();
        let (begun, leader) = channel();
        // All that can fail comes before the command.
        let start = || {
            let stdout = tempfile::tempfile_in(home)?;
            let (pipe, stderr) = io::pipe()?;
            command.stdout(stdout.try_clone()?).stderr(stderr);
            let at_end = end.clone();
            let read =
                move || messages(pipe, watch).inspect_err(|_| at_end.send(()).unwrap_or_default());
            let read = thread::Builder::new().spawn_scoped(scope, read)?;
            let wait = move || {
                let _ = leader.recv().map(exited);
                end.send(())
            };
            thread::Builder::new().spawn_scoped(scope, wait)?;
            io::Result::Ok((stdout, read))
        };
        let (mut file, read) = start().map_err(not_read)?;
        command.stdin(Stdio::null()).process_group(0);
        // What is left of the pipe here goes with it.
        let child = stop.spawn(command)?;
        // The thread waits for it.
        let _ = begun.send(Pid::from_child(&child));
        let is_late = ended.recv_timeout(limit).is_err();
        let status = stop.end(child, home);
        let stderr = read.join().unwrap_or_else(|panic| resume_unwind(panic));
        if matches!(*lock(&stop.0), Stage::Stopped) {
            return Err(GoGetError::new(Kind::Abandoned, ""));
        }
        if is_late {
            let text = format!("version control took longer than {limit:?}");
            return Err(GoGetError::new(Kind::TimeLimit, text));
        }
        let mut stdout = Vec::new();
        let read = file
            .rewind()
            .and_then(|()| file.take(STDOUT).read_to_end(&mut stdout));
        if read.map_err(not_read)? as u64 == STDOUT {
            return Err(GoGetError::nonsense("it prints more than is ever needed"));
        }
        Ok(Output {
            stdout,
            stderr: String::from_utf8_lossy(&stderr?).into_owned(),
            status: status.map_err(not_read)?,
        })
    })
}

fn not_started(command: &Command, error: &io::Error) -> GoGetError {
    let name = Path::new(command.get_program()).display();
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

/// Returns when a process has ended, and leaves it uncollected: killed before that, it would have no status of its own.
fn exited(leader: Pid) {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    // It fails only if the process was collected, and has ended then too.
    let _ = retry_on_intr(|| waitid(WaitId::Pid(leader), options));
}

fn messages(pipe: PipeReader, watch: Watch<'_>) -> Result<Vec<u8>, GoGetError> {
    let (mut kept, mut line) = (Vec::new(), Vec::new());
    let mut pipe = BufReader::new(pipe);
    loop {
        line.clear();
        let mut part = (&mut pipe).take(STDERR as u64);
        if part.read_until(b'\n', &mut line).map_err(not_read)? == 0 {
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
