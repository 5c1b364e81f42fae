//! The programs that are measured, as children of this one.

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use rustix::process::{Pid, Signal, kill_process};

use crate::roles;

/// Where a program may run.
#[derive(Clone, Copy, Debug)]
pub enum Cpu {
    Any,
    Only(usize),
}

/// Where the server runs, and where the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    OneCoreEach,
    /// Both on the same: neither wakes the other's core, and the load's own work is in the figures too.
    OneCore,
    Anywhere,
}

impl Place {
    pub fn of_server(self) -> Cpu {
        match self {
            Self::OneCoreEach | Self::OneCore => Cpu::Only(0),
            Self::Anywhere => Cpu::Any,
        }
    }

    pub fn of_load(self) -> Option<usize> {
        match self {
            Self::OneCoreEach => Some(1),
            Self::OneCore => Some(0),
            Self::Anywhere => None,
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Self::OneCoreEach => "one core each",
            Self::OneCore => "one core for both",
            Self::Anywhere => "all cores",
        }
    }
}

/// A running program; it ends with this value, and with this process.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// What it prints goes into a file beside its own, or into a pipe for [`Process::own`].
    pub fn start(cpu: Cpu, log: &Path, program: &Path, arguments: &[String]) -> Self {
        let log = fs::File::create(log).expect("a folder for logs");
        let mut command = command(cpu, program.as_os_str(), arguments);
        let out = log.try_clone().expect("a second handle");
        let child = command.stdout(out).stderr(log).spawn();
        Self {
            child: child.expect("this program starts again"),
        }
    }

    /// This program in another role. It tells its addresses in a line.
    pub fn own(cpu: Cpu, role: &str, arguments: &[String]) -> (Self, String) {
        let this = env::current_exe().expect("this program");
        let mut all = vec![role.to_owned()];
        all.extend_from_slice(arguments);
        let mut command = command(cpu, this.as_os_str(), &all);
        let child = command.stdout(Stdio::piped()).spawn();
        Self::told(child.expect("this program starts again"))
    }

    /// A program that tells its address in a line.
    pub fn telling(cpu: Cpu, program: &Path, arguments: &[String]) -> (Self, String) {
        let mut command = command(cpu, program.as_os_str(), arguments);
        let child = command.stdout(Stdio::piped()).spawn();
        Self::told(child.expect("this program starts again"))
    }

    fn told(mut child: Child) -> (Self, String) {
        let mut line = String::new();
        let out = child.stdout.take().expect("it is a pipe");
        let process = Self { child };
        BufReader::new(out)
            .read_line(&mut line)
            .expect("it is text");
        assert!(!line.is_empty(), "a program ended at its start");
        (process, line.trim().to_owned())
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }
}

fn command(cpu: Cpu, program: &OsStr, arguments: &[String]) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program"));
    let cpu = match cpu {
        Cpu::Any => "any".to_owned(),
        Cpu::Only(cpu) => cpu.to_string(),
    };
    // No proxy of the environment, no settings of a runtime.
    let path = env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).stdin(Stdio::null());
    if let Some(libraries) = unpacked_libraries() {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    command
        .arg(roles::RUN)
        .arg(cpu)
        .arg(program)
        .args(arguments);
    command
}

/// Where `scripts/peers.sh` unpacks packages for a user who may not install them.
pub fn unpacked() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/peers/usr")
}

/// Those that servers have beside themselves there.
fn unpacked_libraries() -> Option<OsString> {
    let folders = fs::read_dir(unpacked().join("lib")).ok()?;
    let of_machine = |folder: &PathBuf| folder.to_string_lossy().ends_with("-linux-gnu");
    let folders = folders.flatten().map(|folder| folder.path());
    env::join_paths(folders.filter(of_machine)).ok()
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        // nginx and varnish take their workers along; whoever waits for its clients is not waited for.
        if let Ok(Some(id)) = i32::try_from(self.id()).map(Pid::from_raw) {
            let _ = kill_process(id, Signal::TERM);
        }
        for _ in 0..100 {
            if self.has_ended() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
