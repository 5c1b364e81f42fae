//! The real go command, as a client with an empty module cache and an environment of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

use super::tree::write_program;

/// More than the slowest run on a busy machine: a go command that hangs must not hang the tests.
const LIMIT: Duration = Duration::from_secs(300);

/// One user of the go command. Each has its own home and its own, empty, module cache.
#[derive(Debug)]
pub struct Client {
    dir: TempDir,
    environment: BTreeMap<&'static str, OsString>,
}

/// What one run of the go command gave.
#[derive(Clone, Debug)]
pub struct Output {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// What a build gave. Equal values mean: the same modules, the same program, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Build {
    pub go_sum: String,
    pub binary: Vec<u8>,
    /// `path@version` of each module, as the built program prints them.
    pub modules: Vec<String>,
}

impl Client {
    /// A client with this GOPROXY.
    pub fn new(goproxy: impl Into<OsString>) -> Self {
        let dir = TempDir::new().expect("a temporary folder can be made");
        let at = |name: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(&path).expect("a temporary folder is writable");
            path.into_os_string()
        };
        // go leaves a process behind that writes telemetry into HOME while this folder goes away.
        let telemetry = at("home/.config/go/telemetry");
        fs::write(Path::new(&telemetry).join("mode"), "off").expect("a temporary file is writable");
        let mut environment = BTreeMap::from([
            ("HOME", at("home")),
            ("NETRC", dir.path().join("netrc").into_os_string()),
            ("GOPATH", at("gopath")),
            ("GOMODCACHE", at("modcache")),
            // Shared by all: it holds compiled packages and no modules, and the standard library
            // takes longer to compile than everything else here.
            (
                "GOCACHE",
                Path::new(env!("CARGO_TARGET_TMPDIR"))
                    .join("gocache")
                    .into(),
            ),
            ("GOPROXY", goproxy.into()),
            ("GOFLAGS", "-modcacherw -mod=mod".into()),
            ("GOSUMDB", "off".into()),
            ("GOTOOLCHAIN", "local".into()),
            ("GOENV", "off".into()),
            ("GOWORK", "off".into()),
            ("GO111MODULE", "on".into()),
            ("CGO_ENABLED", "0".into()),
            ("LC_ALL", "C".into()),
        ]);
        if let Some(path) = std::env::var_os("PATH") {
            environment.insert("PATH", path);
        }
        Self { dir, environment }
    }

    /// Sets a variable, for example `GOMAXPROCS`.
    pub fn env(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.insert(name, value.into());
        self
    }

    /// Trusts this certificate authority (a PEM file).
    pub fn trusting(self, authority: &Path) -> Self {
        self.env("SSL_CERT_FILE", authority)
    }

    /// Has a netrc file with this text. The `machine` of a server with a port is `host:port`, and go
    /// sends it over https alone.
    pub fn netrc(self, text: &str) -> Self {
        fs::write(self.dir.path().join("netrc"), text).expect("a temporary file is writable");
        self
    }

    /// The client's module cache. Its `cache/download` is laid out like a static GOPROXY.
    pub fn module_cache(&self) -> PathBuf {
        self.dir.path().join("modcache")
    }

    /// Runs `go ARGS` in an empty folder, which must succeed.
    pub async fn go(&self, args: &[&str]) -> Output {
        let output = self.try_go(args).await;
        assert_success(args, &output);
        output
    }

    /// Runs `go ARGS` in an empty folder, well or not.
    pub async fn try_go(&self, args: &[&str]) -> Output {
        let empty = TempDir::new().expect("a temporary folder can be made");
        self.run_in(empty.path(), args).await
    }

    /// Downloads and builds the program of all modules of [`MODULES`](super::modules::MODULES), and runs it.
    pub async fn build_program(&self) -> Build {
        let dir = TempDir::new().expect("a temporary folder can be made");
        write_program(dir.path());
        let binary = dir.path().join("program");
        for args in [
            &["mod", "download"][..],
            &[
                "build",
                "-trimpath",
                "-buildvcs=false",
                "-o",
                "program",
                ".",
            ],
        ] {
            assert_success(args, &self.run_in(dir.path(), args).await);
        }
        let printed = run(Command::new(&binary)).await;
        assert_success(&["run of the built program"], &printed);
        Build {
            go_sum: fs::read_to_string(dir.path().join("go.sum"))
                .expect("go build writes a go.sum"),
            binary: fs::read(&binary).expect("go build writes the program"),
            modules: printed.stderr.lines().map(str::to_owned).collect(),
        }
    }

    /// Runs `go ARGS` in a folder, well or not.
    pub async fn run_in(&self, dir: &Path, args: &[&str]) -> Output {
        let mut command = Command::new(program());
        command
            .args(args)
            .current_dir(dir)
            .env_clear()
            .envs(&self.environment);
        run(command).await
    }
}

/// The go command that `scripts/go.sh` found, else the one on PATH.
pub fn program() -> PathBuf {
    if let Some(path) = std::env::var_os("TOWER_GOPROXY_GO") {
        return path.into();
    }
    std::env::var_os("PATH")
        .iter()
        .flat_map(std::env::split_paths)
        .map(|dir| dir.join(format!("go{}", std::env::consts::EXE_SUFFIX)))
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("no go command: run scripts/test.sh, which fetches one"))
}

async fn run(mut command: Command) -> Output {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output())
        .await
        .unwrap_or_else(|_| panic!("still running after {LIMIT:?}: {command:?}"))
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    Output {
        success: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn assert_success(args: &[&str], output: &Output) {
    assert!(
        output.success,
        "go {} failed\n--- stdout\n{}\n--- stderr\n{}",
        args.join(" "),
        output.stdout,
        output.stderr
    );
}
