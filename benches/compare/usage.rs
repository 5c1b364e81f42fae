//! What a program has used, as Linux tells it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;

/// Processor time of a process and of all that it has started, in user and kernel.
///
/// Linux counts it in ticks of 10 ms.
pub fn processor(id: u32) -> Duration {
    let ticks: u64 = family(id).iter().map(|(_, stat)| stat.ticks).sum();
    Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64)
}

/// Processor time of a process from here on, in nanoseconds rather than ticks. What threads have used that end meanwhile is
/// not in it: those of a tokio runtime that may block end after ten seconds without work.
#[derive(Debug)]
pub struct Threads {
    id: u32,
    before: HashMap<OsString, u64>,
}

impl Threads {
    pub fn of(id: u32) -> Self {
        let before = times(id).collect();
        Self { id, before }
    }

    pub fn used(&self) -> Duration {
        let used = times(self.id).map(|(thread, time)| {
            let before = self.before.get(&thread).copied();
            // A number of a thread may come again.
            time.saturating_sub(before.unwrap_or_default())
        });
        Duration::from_nanos(used.sum())
    }
}

/// Of each thread, in nanoseconds.
fn times(id: u32) -> impl Iterator<Item = (OsString, u64)> {
    let threads = fs::read_dir(format!("/proc/{id}/task")).expect("the process runs");
    threads.flatten().filter_map(|thread| {
        // See Documentation/scheduler/sched-stats.rst of Linux: time on a processor comes first.
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        let time = text.split_whitespace().next()?.parse().ok()?;
        Some((thread.file_name(), time))
    })
}

/// Resident memory of a process and of all that it has started, and its peak from here on.
#[derive(Debug)]
pub struct Memory {
    ids: Vec<u32>,
    before: u64,
}

impl Memory {
    pub fn watch(id: u32) -> Self {
        let ids: Vec<_> = family(id).into_iter().map(|(id, _)| id).collect();
        let before = ids.iter().map(|id| status(*id, "VmRSS:")).sum();
        for id in &ids {
            // See proc_pid_clear_refs(5): the peak begins anew.
            fs::write(format!("/proc/{id}/clear_refs"), "5").expect("the process is ours");
        }
        Self { ids, before }
    }

    /// How much it has been above what it was, at most, in KiB.
    pub fn growth(&self) -> f64 {
        let peak: u64 = self.ids.iter().map(|id| status(*id, "VmHWM:")).sum();
        peak.saturating_sub(self.before) as f64
    }
}

fn family(id: u32) -> Vec<(u32, Stat)> {
    let mut all = processes();
    let mut members: Vec<_> = all.remove_entry(&id).into_iter().collect();
    let mut at = 0;
    while at < members.len() {
        let parent = members[at].0;
        members.extend(all.extract_if(|_, stat| stat.parent == parent));
        at += 1;
    }
    members
}

struct Stat {
    parent: u32,
    ticks: u64,
}

fn processes() -> HashMap<u32, Stat> {
    let entries = fs::read_dir("/proc").expect("Linux tells of its processes");
    let ids = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(|id: u32| Some((id, stat(id)?))).collect()
}

/// See proc_pid_stat(5).
fn stat(id: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name may hold anything; the fields after it are numbers.
    let fields: Vec<_> = text.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Stat {
        parent: fields.get(1)?.parse().ok()?,
        ticks: fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?,
    })
}

fn status(id: u32, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.expect("Linux tells it").parse().expect("KiB")
}
