//! A folder for everything, which is gone at the end, however this program ends.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use std::{env, fs, thread};

use crate::roles;

const TOUCHED_AT_ONCE: usize = 1 << 20;

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

    /// Lets the memory that the kernel gives out next be memory that the machine has.
    ///
    /// The host of a virtual machine may take back what has been free for two seconds, and then the first to touch it waits
    /// for the host: more than ten times as long as to write a file takes. Whom that hits depends on the pieces in
    /// which a program writes, since large ones take other parts of the free memory than small ones. It lasts for these two
    /// seconds, so it helps where an upstream is fast.
    pub fn touch_memory(&self, len: usize) {
        let path = self.folder.join("touched");
        let mut file = File::create(&path).expect("room on the disk");
        let piece = vec![1; TOUCHED_AT_ONCE];
        for _ in 0..len / TOUCHED_AT_ONCE {
            file.write_all(&piece).expect("room on the disk");
        }
        fs::remove_file(&path).expect("it is ours");
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
