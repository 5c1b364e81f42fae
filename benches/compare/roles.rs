//! What this program is when it starts itself again.

use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::peers::{ours, serve_dir};
use crate::{upstream, workplace};

/// The program becomes another one, which ends when this one does, however that comes about.
pub const RUN: &str = "role:run";
pub const UPSTREAM: &str = "role:upstream";
/// Ours with another limit than the default one.
pub const OURS: &str = "role:ours";
/// Removes a folder at the end.
pub const CLEANER: &str = "role:cleaner";
pub const SERVE_DIR: &str = "role:serve-dir";

/// Never returns from a role.
pub fn take_on(role: &str, arguments: &[String]) {
    match role {
        RUN => run(arguments),
        UPSTREAM => upstream::serve(arguments),
        OURS => ours::serve(arguments),
        CLEANER => workplace::clean(arguments),
        SERVE_DIR => serve_dir::serve(arguments),
        _ => {}
    }
}

fn run(arguments: &[String]) {
    let [cpu, program, arguments @ ..] = arguments else {
        panic!("a processor and a program");
    };
    set_parent_process_death_signal(Some(Signal::TERM)).expect("Linux does that");
    if let Ok(cpu) = cpu.parse() {
        pin(cpu);
    }
    // Comes back only if it fails.
    let error = Command::new(program).args(arguments).exec();
    panic!("{program}: {error}");
}

/// This thread, and what it starts, runs on one processor only.
pub fn pin(cpu: usize) {
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).expect("the processor is there");
}
