//! A folder for everything, which is gone at the end, however this program ends.

use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use crate::roles;

#[derive(Debug)]
pub struct Workplace {
    folder: PathBuf,
    /// Removes it when this program lets go of its input.
    cleaner: Child,
}

impl Workplace {
    pub fn new() -> Self {
        // On disk, which the folder of the system is not on every machine.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"));
        let folder = folder.expect("a folder").keep();
        let cleaner = Command::new(env::current_exe().expect("this program"))
            .arg(roles::CLEANER)
            .arg(&folder)
            .stdin(Stdio::piped())
            // The interrupt of a terminal is not for this one.
            .process_group(0)
            .spawn();
        Self {
            folder,
            cleaner: cleaner.expect("this program starts again"),
        }
    }

    pub fn path(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        drop(self.cleaner.stdin.take());
        let _ = self.cleaner.wait();
    }
}

pub fn clean(arguments: &[String]) -> ! {
    let folder = arguments.first().expect("a folder");
    let _ = std::io::stdin().read(&mut [0]);
    // Servers that end at the same moment may still write into it.
    for _ in 0..50 {
        let removed = fs::remove_dir_all(folder);
        if removed.is_ok() || !Path::new(folder).exists() {
            break;
        }
        thread::sleep(Duration::from_millis(100));
    }
    std::process::exit(0);
}
