//! The folder of one run: home, module cache, and where commands run and put what is temporary. It goes away with the run.
//!
//! The environment is built from nothing, so that the files and variables of whoever runs the server do not count
//! (<https://go.dev/ref/mod#environment-variables>).

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use super::folder::{age, entries, make, remove};
use super::git;
use super::process::kill_at;
use super::secrets::Grant;
use super::settings::Settings;

/// Each begins so; what is left of a process that is gone is found by it.
const PREFIX: &str = "run-";
/// While it is made, it is called otherwise, so that nobody takes it for abandoned.
const DRAFT: &str = "new-";
/// What is being removed.
pub(super) const ASIDE: &str = "old-";
/// A file that a living process holds a lock on.
const LOCK: &str = "lock";
/// After this, a draft, or what is aside, belongs to nobody.
const LEFT: Duration = Duration::from_secs(60 * 60);

/// Variables that go through as they are: how to find programs, and how this machine reaches the network.
const KEPT: &str = "PATH SYSTEMROOT SSL_CERT_FILE SSL_CERT_DIR HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY \
    http_proxy https_proxy no_proxy all_proxy";

/// Holds credentials, so nobody else may read it.
#[derive(Debug)]
pub(super) struct Sandbox {
    folder: PathBuf,
    /// The file that a living process holds.
    _lock: File,
    go: PathBuf,
    vars: Vec<(OsString, OsString)>,
    is_there: bool,
}

impl Sandbox {
    /// Makes the folder. `clones` becomes the folder of clones of its module cache.
    pub(super) fn new(settings: &Settings, grant: &Grant, clones: &Path) -> io::Result<Self> {
        make(&settings.folder)?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(DRAFT);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            builder.permissions(fs::Permissions::from_mode(0o700));
        }
        let draft = builder.tempdir_in(&settings.folder)?;
        let lock = File::create(draft.path().join(LOCK))?;
        // Where the file system knows no locks, nobody takes this for abandoned.
        match lock.lock() {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return Err(error),
            _ => {}
        }
        let name = draft
            .path()
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let folder = settings.folder.join(name.replacen(DRAFT, PREFIX, 1));
        fs::rename(draft.path(), &folder)?;
        drop(draft);
        let mut sandbox = Self {
            vars: environment(settings, grant, &folder),
            folder,
            _lock: lock,
            go: settings.go.clone(),
            is_there: true,
        };
        sandbox.fill(grant, clones)?;
        Ok(sandbox)
    }

    fn fill(&mut self, grant: &Grant, clones: &Path) -> io::Result<()> {
        for name in ["work", "tmp", "mod/cache"] {
            fs::create_dir_all(self.folder.join(name))?;
        }
        link(clones, &self.clones())?;
        for (name, text) in git::files(grant, &self.folder) {
            fs::write(self.folder.join(name), text)?;
        }
        // Else go leaves processes behind that write telemetry.
        let telemetry = self.folder.join(".config/go/telemetry");
        fs::create_dir_all(&telemetry)?;
        fs::write(telemetry.join("mode"), "off")
    }

    /// An empty module cache, with clones of its own.
    pub(super) fn start_afresh(&self) -> io::Result<()> {
        remove(&self.modules())?;
        fs::create_dir_all(self.clones())
    }

    /// The home of its processes.
    pub(super) fn home(&self) -> &Path {
        &self.folder
    }

    /// The module cache.
    pub(super) fn modules(&self) -> PathBuf {
        self.folder.join("mod")
    }

    /// The clones in the module cache.
    pub(super) fn clones(&self) -> PathBuf {
        self.folder.join("mod/cache/vcs")
    }

    /// Where commands run.
    pub(super) fn work(&self) -> PathBuf {
        self.folder.join("work")
    }

    /// The go command with these arguments.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.go);
        command
            .args(args)
            .current_dir(self.work())
            .env_clear()
            .envs(self.vars.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Whether commands find git. Without it, most modules cannot be fetched, yet those of a proxy can.
    pub(super) fn has_git(&self) -> bool {
        has_program(&self.vars, "git")
    }

    /// Removes the folder, as a drop does, and says whether that was possible.
    pub(super) fn close(mut self) -> io::Result<()> {
        self.is_there = false;
        remove(&self.folder)
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if self.is_there {
            // What stays is removed by the next sweep.
            let _ = kill_at(&self.folder);
            let _ = remove(&self.folder);
        }
    }
}

fn environment(settings: &Settings, grant: &Grant, folder: &Path) -> Vec<(OsString, OsString)> {
    let mut vars = inherited(settings);
    // What follows wins over what came before.
    let mut set = |name: &str, value: &OsStr| vars.push((name.into(), value.into()));
    for (name, file) in [
        ("HOME", ""),
        ("TMPDIR", "tmp"),
        ("GOPATH", "gopath"),
        ("GOMODCACHE", "mod"),
        ("GOCACHE", "build"),
        ("NETRC", git::NETRC),
        ("GIT_CONFIG_GLOBAL", git::CONFIG),
    ] {
        // A path that ends with a slash is not the one by which processes are found.
        let path = if file.is_empty() {
            folder.to_owned()
        } else {
            folder.join(file)
        };
        set(name, path.as_os_str());
    }
    for (name, value) in [
        ("GOPROXY", settings.proxy.as_str()),
        ("GOPRIVATE", &settings.private),
        ("GONOPROXY", &settings.private),
        ("GONOSUMDB", &settings.private),
        ("GOINSECURE", &settings.insecure),
        ("GOSUMDB", &settings.sumdb),
        ("GOTOOLCHAIN", &settings.toolchain),
        ("GOAUTH", "netrc"),
        // Else the folders of extracted modules cannot be removed.
        ("GOFLAGS", "-modcacherw"),
        ("GO111MODULE", "on"),
        ("GOWORK", "off"),
        ("GOENV", "off"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GCM_INTERACTIVE", "never"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        (
            "GIT_SSH_COMMAND",
            &git::ssh_command(&settings.secrets, grant, folder),
        ),
        // The messages of git are read.
        ("LC_ALL", "C"),
    ] {
        set(name, value.as_ref());
    }
    if let Some(vcs) = &settings.vcs {
        set("GOVCS", vcs.as_ref());
    }
    vars
}

/// What commands get of the server's environment and of the settings.
fn inherited(settings: &Settings) -> Vec<(OsString, OsString)> {
    let kept = KEPT.split(' ');
    let kept = kept.filter_map(|name| Some((name.into(), env::var_os(name)?)));
    kept.chain(settings.env.iter().cloned()).collect()
}

/// Whether a program can be found by the `PATH` of these variables.
fn has_program(vars: &[(OsString, OsString)], name: &str) -> bool {
    let path = last(vars, "PATH");
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    path.is_some_and(|path| env::split_paths(path).any(|dir| dir.join(&file).is_file()))
}

/// Of several values of a variable the last counts.
fn last<'a>(vars: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsString> {
    let found = vars.iter().rev().find(|(this, _)| this == name);
    found.map(|(_, value)| value)
}

/// The settings in a file of git, as git itself reads it.
///
/// # Errors
///
/// If it cannot be read.
pub(super) fn git_config_of_file(
    settings: &Settings,
    file: &Path,
) -> io::Result<Vec<(String, String)>> {
    let mut git = std::process::Command::new("git");
    git.args(["config", "--no-includes", "--list", "-z", "--file"])
        .arg(file)
        .env_clear()
        .envs(inherited(settings))
        .env("GIT_CONFIG_NOSYSTEM", "1");
    let output = git.output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(io::Error::other(said));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.split('\0').filter(|line| !line.is_empty());
    let line = |line: &str| match line.split_once('\n') {
        Some((key, value)) => (key.to_owned(), value.to_owned()),
        // A setting without a value is true.
        None => (line.to_owned(), "true".to_owned()),
    };
    Ok(lines.map(line).collect())
}

/// Ends what runs for servers that are gone, and removes their folders.
pub(super) fn sweep(folder: &Path) -> io::Result<()> {
    for entry in entries(folder)? {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        if name.starts_with(PREFIX) {
            let lock = OpenOptions::new().write(true).open(path.join(LOCK));
            let is_abandoned = match &lock {
                Ok(lock) => lock.try_lock().is_ok(),
                // The lock goes first or last when a folder is removed.
                Err(error) => error.kind() == io::ErrorKind::NotFound && age(&path)? > LEFT,
            };
            if is_abandoned {
                kill_at(&path)?;
                remove(&path)?;
            }
        } else if (name.starts_with(DRAFT) || name.starts_with(ASIDE)) && age(&path)? > LEFT {
            remove(&path)?;
        }
    }
    Ok(())
}

fn link(target: &Path, at: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::symlink(target, at);
    #[cfg(windows)]
    return std::os::windows::fs::symlink_dir(target, at);
    #[cfg(not(any(unix, windows)))]
    return Err(io::ErrorKind::Unsupported.into());
}
