//! The processes of this machine.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use tower_goproxy::GoGet;
use tower_goproxy::goget::Settings;

use crate::setup::script;

/// A go command that never ends, and neither does the process that it starts. Each notes its group.
pub(crate) struct Endless {
    folder: TempDir,
}

impl Endless {
    pub(crate) fn new() -> Self {
        let folder = TempDir::new().unwrap();
        // Nobody ever writes into it.
        let made = std::process::Command::new("mkfifo")
            .arg(folder.path().join("fifo"))
            .status();
        assert!(made.unwrap().success());
        fs::write(folder.path().join("groups"), "").unwrap();
        let this = Self { folder };
        script(
            this.path(),
            "go",
            &this.text("version) echo go version go1.99 a/b; exit;;"),
        );
        this
    }

    /// The script: notes its group, then hangs in two processes that both hold its pipes.
    pub(crate) fn text(&self, cases: &str) -> String {
        let folder = self.path().display();
        format!(
            "case \"$1\" in {cases} esac\n\
             read -r _ _ _ _ group _ < /proc/$$/stat\n\
             echo \"$group\" >> '{folder}/groups'\n\
             cat '{folder}/fifo' &\n\
             cat '{folder}/fifo'"
        )
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn go(&self) -> PathBuf {
        self.path().join("go")
    }

    pub(crate) fn settings(&self, folder: &Path) -> Settings {
        Settings::new(folder).go(self.go())
    }

    pub(crate) fn goget(&self, folder: &Path) -> GoGet {
        GoGet::new(self.settings(folder)).unwrap()
    }

    /// The groups of all runs so far.
    pub(crate) fn groups(&self) -> Vec<i32> {
        let groups = fs::read_to_string(self.path().join("groups")).unwrap();
        groups
            .lines()
            .filter_map(|line| line.parse().ok())
            .collect()
    }

    /// Returns once so many runs have begun.
    pub(crate) async fn begun(&self, runs: usize) {
        until(|| self.groups().len() >= runs).await;
    }

    /// Returns once no process of any run is left. A zombie of ours is one.
    pub(crate) async fn gone(&self) {
        let groups = self.groups();
        until(|| living(&groups) == 0).await;
    }
}

/// How many processes of these groups there are. Process 1 collects those whose parent is gone.
pub(crate) fn living(groups: &[i32]) -> usize {
    let ours = std::process::id().to_string();
    let mut count = 0;
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        // It may end while it is looked at.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        // The name of a program can hold anything but ends with the last parenthesis.
        let Some((_, rest)) = stat.rsplit_once(") ") else {
            continue;
        };
        let fields: Vec<_> = rest.split(' ').collect();
        let group: i32 = fields[2].parse().unwrap();
        if groups.contains(&group) && (fields[0] != "Z" || fields[1] == ours) {
            count += 1;
        }
    }
    count
}

/// Lets others go on until this holds.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    crate::support::within(async {
        while !holds() {
            tokio::task::spawn_blocking(std::thread::yield_now)
                .await
                .unwrap();
        }
    })
    .await;
}

/// A request under way.
pub(crate) fn begin(
    goget: &GoGet,
    path: &str,
) -> tokio::task::JoinHandle<Result<http::StatusCode, http::StatusCode>> {
    let request = http::Request::get(path).body(()).unwrap();
    let answer = goget.try_call(&request);
    tokio::spawn(async move {
        match answer.await {
            Ok(response) => Ok(response.status()),
            Err(error) => Err(error.status()),
        }
    })
}

/// Ends a request as a connection that breaks does, and returns once it is gone.
pub(crate) async fn leave<T>(request: tokio::task::JoinHandle<T>) {
    request.abort();
    let _ = request.await;
}
