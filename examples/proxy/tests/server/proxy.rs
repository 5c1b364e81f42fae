//! The process.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, Command};

use crate::support::wire::{Answered, Protocol, get};
use crate::support::within_minutes;

/// A running proxy. It is killed when this is dropped.
pub(crate) struct Proxy {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Proxy {
    /// On a free port, which it names on the first line that it prints.
    pub(crate) async fn start(args: &[&str]) -> Self {
        Self::run(command(args)).await
    }

    pub(crate) async fn run(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = said.next_line().await.unwrap().expect("it says a line");
        let address = line.strip_prefix("listening on ");
        let address = address.and_then(|url| url.split_once("://"));
        let (_, address) = address.unwrap_or_else(|| panic!("{line}"));
        Self {
            child,
            address: address.parse().unwrap(),
        }
    }

    /// And the lines that it logs.
    pub(crate) async fn with_log(mut command: Command) -> (Self, Lines<BufReader<ChildStderr>>) {
        command.stderr(Stdio::piped());
        let mut this = Self::run(command).await;
        let log = this.child.stderr.take().expect("it is piped");
        (this, BufReader::new(log).lines())
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        get(self.address, Protocol::Http11, path).await
    }

    /// The whole of something, from a server that cuts who takes longer than this for a request, as a test may do that has
    /// no processor.
    pub(crate) async fn get_in_time(&self, path: &str, limit: Duration) -> Answered {
        within_minutes(async {
            loop {
                let begun = Instant::now();
                let answered = self.get(path).await;
                if answered.is_whole() || begun.elapsed() < limit {
                    break answered.whole();
                }
            }
        })
        .await
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// How many files it has open.
    pub(crate) fn open_files(&self) -> usize {
        let folder = format!("/proc/{}/fd", self.id());
        std::fs::read_dir(folder).unwrap().count()
    }

    /// How many bytes of memory it has.
    pub(crate) fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = kib.and_then(|kib| kib.trim().strip_suffix("kB"));
        1024 * kib.unwrap().trim().parse::<usize>().unwrap()
    }

    pub(crate) async fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        let sent = kill.arg(name).arg(self.id().to_string()).status().await;
        assert!(sent.unwrap().success());
    }

    /// SIGTERM. Returns when it takes no more clients.
    pub(crate) async fn terminate(&self) {
        self.signal("-TERM").await;
        within_minutes(async {
            while TcpStream::connect(self.address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }

    pub(crate) async fn ended(mut self) -> ExitStatus {
        within_minutes(self.child.wait()).await.unwrap()
    }
}

/// With nothing of the environment: no netrc and no proxy of whoever runs the tests.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tower-goproxy"));
    command
        .args(["--listen", "127.0.0.1:0"])
        .args(args)
        .env_clear()
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// What a proxy says that does not start.
pub(crate) async fn refused(args: &[&str]) -> String {
    refusal(command(args), 1).await
}

pub(crate) async fn refusal(mut command: Command, code: i32) -> String {
    let output = within_minutes(command.output()).await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(output.stdout.is_empty(), "it listened");
    said
}
