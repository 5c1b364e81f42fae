//! The folder of one run: home, module cache, and where commands run and put what is temporary. It goes away with the run.
//!
//! The environment is built from nothing, so that the files and variables of whoever runs the server do not count
//! (<https://go.dev/ref/mod#environment-variables>).

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

use super::error::GoGetError;
use super::folder::{age, entries, found, make, remove};
use super::process::{Output, Watch, kill_at, run};
use super::secrets::Grant;
use super::settings::Settings;
use super::{git, observe};

/// Each begins so; what is left of a process that is gone is found by it.
const PREFIX: &str = "run-";
/// What is being removed.
pub(super) const ASIDE: &str = "old-";
/// After this, what is aside belongs to nobody.
const LEFT: Duration = Duration::from_secs(60 * 60);

/// Variables that go through as they are: how to find programs, and how this machine reaches the network.
const KEPT: &str = "PATH SSL_CERT_FILE SSL_CERT_DIR HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy \
    no_proxy all_proxy";
/// Variables that are files and folders of the run.
const FILES: &str =
    "TMPDIR=tmp GOPATH=gopath GOMODCACHE=mod GOCACHE=build NETRC=netrc GIT_CONFIG_GLOBAL=gitconfig";
/// Without `-modcacherw` the folders of extracted modules cannot be removed. The messages of git are read, so they are in
/// English.
const FIXED: &str = "GOAUTH=netrc GOFLAGS=-modcacherw GO111MODULE=on GOWORK=off GOENV=off GIT_TERMINAL_PROMPT=0 \
    GCM_INTERACTIVE=never GIT_CONFIG_NOSYSTEM=1 LC_ALL=C";

/// Where the go command looks for its mode of telemetry.
const TELEMETRY: &str = ".config/go/telemetry";

type Vars = BTreeMap<OsString, OsString>;

/// Holds credentials, so nobody else may read it.
#[derive(Debug)]
pub(super) struct Sandbox {
    folder: TempDir,
    /// A living process holds it.
    _lock: File,
    go: PathBuf,
    vars: Vars,
    /// Cancelled when nobody waits for the run any more.
    left: CancellationToken,
}

impl Sandbox {
    /// Makes the folder. `clones` becomes the folder of clones of its module cache. Blocks the thread.
    pub(super) fn new(
        settings: &Settings,
        grant: &Grant,
        clones: &Path,
        left: CancellationToken,
    ) -> io::Result<Self> {
        make(&settings.folder)?;
        let mut builder = tempfile::Builder::new();
        builder
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700));
        let (folder, lock) = loop {
            let folder = builder.tempdir_in(&settings.folder)?;
            // Another server may take it for abandoned before it is locked.
            if let Some(lock) = lock_folder(folder.path(), File::lock)? {
                break (folder, lock);
            }
        };
        let path = folder.path();
        for name in ["work", "tmp", "bin", "mod/cache", TELEMETRY] {
            fs::create_dir_all(path.join(name))?;
        }
        for (name, text) in git::files(grant, path) {
            fs::write(path.join(name), text)?;
        }
        // Else go leaves processes behind that write telemetry.
        fs::write(path.join(TELEMETRY).join("mode"), "off")?;
        let sandbox = Self {
            vars: environment(settings, grant, path),
            folder,
            _lock: lock,
            go: settings.go.clone(),
            left,
        };
        symlink(clones, sandbox.clones())?;
        Ok(sandbox)
    }

    /// Runs the go command with these arguments.
    ///
    /// # Errors
    ///
    /// If it could not run to its end, within `limit`, and with somebody who waits for it.
    pub(super) async fn go(
        &self,
        args: &[&str],
        limit: Duration,
        watch: Watch<'_>,
    ) -> Result<Output, GoGetError> {
        observe::running(args);
        let mut command = Command::new(&self.go);
        command
            .args(args)
            .current_dir(self.work())
            .env_clear()
            .envs(&self.vars);
        run(command, self.folder.path(), limit, &self.left, watch).await
    }

    /// An empty module cache, with clones of its own.
    pub(super) fn start_afresh(&self) -> io::Result<()> {
        remove(&self.modules())?;
        fs::create_dir_all(self.clones())
    }

    /// A name that no other run has.
    pub(super) fn name(&self) -> Cow<'_, str> {
        let name = self.folder.path().file_name();
        name.unwrap_or_default().to_string_lossy()
    }

    /// The module cache.
    pub(super) fn modules(&self) -> PathBuf {
        self.folder.path().join("mod")
    }

    /// The clones in the module cache.
    pub(super) fn clones(&self) -> PathBuf {
        self.folder.path().join("mod/cache/vcs")
    }

    /// Where commands run.
    pub(super) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Where commands find git. Without it, most modules cannot be fetched, yet those of a proxy can.
    pub(super) fn git(&self) -> Option<PathBuf> {
        let folders = env::split_paths(self.vars.get(OsStr::new("PATH"))?);
        folders
            .map(|folder| folder.join("git"))
            .find(|file| file.is_file())
    }

    /// From now on the go command takes modules for a newer go. Of a git repository it refuses to make a zip of them, by what
    /// `git cat-file` says of the go.mod; the zip is made by `git archive`, which has the whole one.
    pub(super) fn take_newer_modules(&self) -> io::Result<()> {
        let git = self.git().ok_or(io::ErrorKind::NotFound)?;
        let git = git::quoted(&git.to_string_lossy());
        let text = format!(
            "#!/bin/sh\ncase \"$*\" in\n\
             'cat-file '*go.mod) text=$({git} \"$@\") || exit\n\
             printf '%s\\n' \"$text\" | sed '/^[[:space:]]*go[[:space:]]/d';;\n\
             *) exec {git} \"$@\";;\nesac\n"
        );
        let file = self.folder.path().join("bin/git");
        fs::write(&file, text)?;
        fs::set_permissions(&file, Permissions::from_mode(0o700))
    }

    /// Removes the folder, as a drop does, and says whether that was possible.
    pub(super) fn close(self) -> io::Result<()> {
        self.folder.close()
    }
}

/// Opens and locks a folder. `None` if it was removed before. A file system without locks is as good as a lock.
pub(super) fn lock_folder(
    folder: &Path,
    lock: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<Option<File>> {
    let Some(file) = found(File::open(folder))? else {
        return Ok(None);
    };
    match lock(&file) {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(folder.exists().then_some(file)),
    }
}

fn environment(settings: &Settings, grant: &Grant, folder: &Path) -> Vars {
    let mut vars = inherited(settings);
    // What follows wins over what came before.
    let mut set = |name: &str, value: &OsStr| vars.insert(name.into(), value.into());
    set("HOME", folder.as_os_str());
    for (name, file) in FILES.split(' ').filter_map(|var| var.split_once('=')) {
        set(name, folder.join(file).as_os_str());
    }
    for (name, value) in &settings.go_vars {
        set(name, value.as_ref());
    }
    for name in ["GONOPROXY", "GONOSUMDB"] {
        set(name, settings.private_patterns().as_ref());
    }
    for (name, value) in FIXED.split(' ').filter_map(|var| var.split_once('=')) {
        set(name, value.as_ref());
    }
    let ssh = git::ssh_command(&settings.secrets, grant, folder);
    set("GIT_SSH_COMMAND", ssh.as_ref());
    let path = vars.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    let others = env::split_paths(&path).filter(|folder| !folder.as_os_str().is_empty());
    let path = env::join_paths([folder.join("bin")].into_iter().chain(others));
    // A folder with a separator in its name cannot be on it.
    vars.extend(path.map(|path| ("PATH".into(), path)));
    vars
}

/// What commands get of the server's environment and of the settings.
fn inherited(settings: &Settings) -> Vars {
    let kept = KEPT.split_whitespace();
    let kept = kept.filter_map(|name| Some((name.into(), env::var_os(name)?)));
    kept.chain(settings.env.iter().cloned()).collect()
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
        // Held until it is removed: nobody may begin in it.
        let lock = File::open(&path);
        let is_free = || lock.as_ref().is_ok_and(|lock| lock.try_lock().is_ok());
        let is_run = name.starts_with(PREFIX);
        if (is_run && is_free()) || (name.starts_with(ASIDE) && age(&path)? > LEFT) {
            kill_at(&path)?;
            remove(&path)?;
        }
    }
    Ok(())
}
