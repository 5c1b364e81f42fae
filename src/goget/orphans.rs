//! Processes whose server is gone.

use std::io;
use std::path::Path;

/// Kills all processes whose home is this folder. On Linux alone: elsewhere no process can be asked for its home.
///
/// # Errors
///
/// If they cannot be looked for.
#[cfg(target_os = "linux")]
pub(super) fn kill(home: &Path) -> io::Result<()> {
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
        // Held before the process is looked at: its id cannot become that of a stranger.
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else {
            continue;
        };
        // Those of others cannot be read, and of one that has ended nothing is left.
        let Ok(vars) = fs::read(entry.path().join("environ")) else {
            continue;
        };
        let is_ours = vars.split(|byte| *byte == 0).any(|var| var == wanted);
        if is_ours && pidfd_send_signal(&process, Signal::KILL).is_ok() {
            killed += 1;
        }
    }
    Ok(killed)
}

#[cfg(not(target_os = "linux"))]
pub(super) fn kill(_: &Path) -> io::Result<()> {
    Ok(())
}
