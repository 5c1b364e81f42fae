//! This very test binary once more, as a process of its own that can be killed or be given limits.

use std::ffi::OsString;
#[cfg(unix)]
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Says to a test that it runs in such a process, and with which words.
const WORDS: &str = "TOWER_GOPROXY_TEST_RESPAWNED";

/// What stands before a line that is for the parent, since the test harness writes lines too.
const MARK: &str = "to parent: ";

/// What the parent gave, if this is such a process. A test that is nothing else returns without.
pub fn words() -> Option<Vec<String>> {
    let words = std::env::var(WORDS).ok()?;
    Some(words.split('\n').map(str::to_owned).collect())
}

/// Says a line to the parent.
pub fn say(line: &str) {
    println!("\n{MARK}{line}");
}

/// A running process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Respawned {
    child: Child,
    /// Closes with the parent, even where that is killed.
    _stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Respawned {
    /// Runs the test of this name and nothing else. `through` is a command that runs the rest of
    /// its arguments.
    pub fn start(test: &str, words: &[&str], through: &[&str]) -> Self {
        let exe = std::env::current_exe().expect("a test knows its own file");
        let mut line: Vec<OsString> = through.iter().map(OsString::from).collect();
        line.push(exe.into());
        line.extend(["--exact", test, "--nocapture"].map(OsString::from));
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).env(WORDS, words.join("\n"));
        Self::run(command)
    }

    /// Runs it without the rights of root, which may write everywhere. `folder` is given away.
    #[cfg(unix)]
    pub fn start_as_nobody(test: &str, words: &[&str], folder: &Path) -> Self {
        const NOBODY: u32 = 65534;
        let exe = std::env::current_exe().expect("a test knows its own file");
        let mut command = Command::new(&exe);
        let myself = std::fs::metadata("/proc/self").map(|me| me.uid());
        if myself.is_ok_and(|uid| uid == 0) {
            for path in [folder.to_path_buf(), folder.join(".staging")] {
                std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("root may");
            }
            // The way to the file itself may be closed to nobody.
            command = Command::new("/proc/self/exe");
            command.uid(NOBODY).gid(NOBODY).current_dir("/");
        }
        command
            .args(["--exact", test, "--nocapture"])
            .env(WORDS, words.join("\n"));
        Self::run(command)
    }

    fn run(mut command: Command) -> Self {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("a test can run its own file");
        let stdin = child.stdin.take().expect("it is a pipe");
        let stdout = child.stdout.take().expect("it is a pipe");
        Self {
            child,
            _stdin: stdin,
            lines: BufReader::new(stdout).lines(),
        }
    }

    /// The next line that it says; `None` once it has ended.
    pub async fn heard(&mut self) -> Option<String> {
        while let Some(line) = self.lines.next_line().await.expect("a pipe can be read") {
            if let Some((_, said)) = line.split_once(MARK) {
                return Some(said.to_owned());
            }
        }
        None
    }

    /// SIGKILL: no destructor runs, nothing is flushed. Returns when the process is gone.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("it runs until it is killed");
    }

    /// Waits until the test in it has ended, which must have passed.
    pub async fn passed(mut self) {
        let mut log = Vec::new();
        while let Some(line) = self.lines.next_line().await.expect("a pipe can be read") {
            log.push(line);
        }
        let status = self.child.wait().await.expect("it can be waited for");
        assert!(status.success(), "{status}\n{}", log.join("\n"));
        // A name that is misspelled runs no test, and passes.
        assert!(log.iter().any(|line| line.contains("1 passed")), "{log:?}");
    }
}
