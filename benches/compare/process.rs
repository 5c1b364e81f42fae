//! Child processes: they end with this one, and their CPU time and memory are measured.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group, set_parent_process_death_signal};

/// The first argument of this program when it starts another one.
pub const RUN: &str = "role:run";

/// Becomes another program, which gets SIGTERM when the benchmark ends, however that comes about.
pub fn run(arguments: &[String]) -> Result<()> {
    set_parent_process_death_signal(Some(Signal::TERM))?;
    let error = Command::new(&arguments[0]).args(&arguments[1..]).exec();
    Err(error).context(arguments[0].clone())
}

/// A command for a server, which ends with the benchmark.
pub fn server(program: &Path) -> Result<Command> {
    let mut command = client(&env::current_exe()?);
    command.arg(RUN).arg(program);
    Ok(command)
}

/// A command for a client, which ends by itself.
pub fn client(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).process_group(0);
    command.envs(["NO_PROXY", "no_proxy"].map(|name| (name, "127.0.0.1")));
    command.env("GOENV", "off").env("GOTOOLCHAIN", "local");
    command
}

/// An installed program, or one that `scripts/peers.sh` has unpacked.
pub fn find(program: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/peers/bin");
    let mut folders = env::split_paths(&path).chain(["/usr/sbin".into(), unpacked]);
    let found = folders.find_map(|folder| Some(folder.join(program)).filter(|path| path.is_file()));
    found.with_context(|| format!("found no {program}; scripts/peers.sh gets nginx, wrk and curl"))
}

/// An address on which nothing listens now.
pub fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

pub fn wait_until(what: &str, seconds: u64, mut holds: impl FnMut() -> bool) -> Result<()> {
    let start = Instant::now();
    while !holds() {
        let early = start.elapsed().as_secs() < seconds;
        ensure!(early, "waited {seconds} s in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// A running server with its children. Dropping it kills them all.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Waits until it accepts connections. Its output goes into the file `log`.
    pub fn start(command: &mut Command, log: &Path, address: SocketAddr) -> Result<Self> {
        let file = File::create(log)?;
        command.stdout(file.try_clone()?).stderr(file);
        let mut process = Self(command.spawn()?);
        let mut ended = None;
        wait_until("a server listens", 900, || {
            ended = process.0.try_wait().unwrap_or(None);
            ended.is_some() || TcpStream::connect(address).is_ok()
        })?;
        if let Some(status) = ended {
            let log = fs::read_to_string(log)?;
            bail!("a server ended at its start, {status}:\n{log}");
        }
        Ok(process)
    }

    /// CPU seconds in user and kernel until now, those of ended children included.
    pub fn cpu(&self) -> f64 {
        let ticks: u64 = self.members().map(|(_, ticks)| ticks).sum();
        ticks as f64 / rustix::param::clock_ticks_per_second() as f64
    }

    /// Also returns the growth of resident memory at its peak, in KiB. Children that end meanwhile, such as the go command of
    /// Athens, do not count.
    pub fn memory_growth<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
        let before = self.memory("VmRSS:");
        for (id, _) in self.members() {
            // Resets the peak, see proc_pid_clear_refs(5).
            fs::write(format!("/proc/{id}/clear_refs"), "5")?;
        }
        let done = work()?;
        let grown = self.memory("VmHWM:").saturating_sub(before);
        Ok((done, grown as f64))
    }

    /// KiB of all members.
    fn memory(&self, field: &str) -> u64 {
        let of = |(id, _)| {
            let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix(field))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        self.members().filter_map(of).sum()
    }

    /// The processes of its group, with their CPU time in ticks.
    fn members(&self) -> impl Iterator<Item = (u32, u64)> {
        let group = self.0.id();
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        ids.filter_map(move |id| {
            let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            // See proc_pid_stat(5). The name may hold anything; the fields after it are numbers.
            let fields: Vec<_> = text.rsplit_once(')')?.1.split_whitespace().collect();
            let times = fields.get(11..15)?.iter();
            let ticks = times.filter_map(|field| field.parse::<u64>().ok());
            (fields[2].parse() == Ok(group)).then(|| (id, ticks.sum()))
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(group) = Pid::from_raw(self.0.id().cast_signed()) {
            // Fails only if all of them have ended.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.0.wait();
    }
}
