//! What a program has used, as Linux tells it.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use rustix::param::clock_ticks_per_second;

/// Processor time of a process and of all that it has started, in user and kernel.
///
/// Linux counts it in ticks of 10 ms.
pub fn processor(id: u32) -> Duration {
    let all = processes();
    let mut ticks = 0;
    let mut ids = vec![id];
    while let Some(id) = ids.pop() {
        ticks += all.get(&id).map_or(0, |process| process.ticks);
        ids.extend(all.iter().filter(|(_, other)| other.parent == id).map(|(id, _)| id));
    }
    Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64)
}

struct Stat {
    parent: u32,
    ticks: u64,
}

fn processes() -> HashMap<u32, Stat> {
    let entries = fs::read_dir("/proc").expect("Linux tells of its processes");
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
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

/// Resident memory of one process now, in KiB.
pub fn resident(id: u32) -> u64 {
    status(id, "VmRSS:")
}

/// The most since [`forget_peak`], in KiB.
pub fn peak(id: u32) -> u64 {
    status(id, "VmHWM:")
}

pub fn forget_peak(id: u32) {
    fs::write(format!("/proc/{id}/clear_refs"), "5").expect("the process is ours");
}

fn status(id: u32, field: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/status")).expect("the process runs");
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.expect("Linux tells it").parse().expect("KiB")
}
