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
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::clones::{ASIDE, Lent};
use super::error::GoGetError;
use super::folder::{entries, found, temporary};
use super::git;
use super::observe::{event, left_over};
use super::process::{Output, Stop, Watch, kill_at, run};
use super::secrets::Grant;
use super::settings::{Settings, pairs};

/// Each begins so; what is left of a process that is gone is found by it.
const RUN: &str = "run-";

/// Variables that go through as they are: how to find programs, and how this machine reaches the network.
const KEPT: &str = "PATH SSL_CERT_FILE SSL_CERT_DIR HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy \
    no_proxy all_proxy";
/// Variables that are files and folders of the run.
const FILES: &str =
    "TMPDIR=tmp GOPATH=gopath GOMODCACHE=mod GOCACHE=build NETRC=netrc GIT_CONFIG_GLOBAL=gitconfig";
/// Where the go command keeps clones.
const CLONES: &str = "mod/cache/vcs";
/// Where the go command looks for its mode of telemetry.
const TELEMETRY: &str = ".config/go/telemetry";

type Vars = BTreeMap<OsString, OsString>;

/// Holds credentials, so nobody else may read it.
pub(super) struct Sandbox {
    folder: TempDir,
    /// A living process holds it.
    _lock: File,
    go: PathBuf,
    vars: Vars,
    stop: Arc<Stop>,
    pub(super) grant: Grant,
    pub(super) lent: Lent,
    /// The clones of its module cache are none of those that were lent.
    is_fresh: bool,
}

impl Sandbox {
    /// Makes the folder. Blocks the thread.
    pub(super) fn new(
        settings: &Settings,
        grant: Grant,
        lent: Lent,
        stop: &Arc<Stop>,
    ) -> io::Result<Self> {
        let (folder, lock) = temporary(&settings.folder, RUN)?;
        let path = folder.path();
        for name in ["work", "tmp", "bin", "mod/cache", TELEMETRY] {
            fs::create_dir_all(path.join(name))?;
        }
        for (name, text) in git::files(&grant, path) {
            fs::write(path.join(name), text)?;
        }
        // Else go leaves processes behind that write telemetry.
        fs::write(path.join(TELEMETRY).join("mode"), "off")?;
        let sandbox = Self {
            vars: environment(settings, &grant, path),
            folder,
            _lock: lock,
            go: settings.go.clone(),
            stop: Arc::clone(stop),
            grant,
            lent,
            is_fresh: false,
        };
        symlink(&sandbox.lent.folder, sandbox.clones())?;
        Ok(sandbox)
    }

    /// Runs the go command with these arguments. Blocks the thread.
    ///
    /// # Errors
    ///
    /// If it could not run to its end, within `limit`, and with somebody who waits for it.
    pub(super) fn go(
        &self,
        args: &[&str],
        limit: Duration,
        watch: Watch<'_>,
    ) -> Result<Output, GoGetError> {
        let mut command = Command::new(&self.go);
        command
            .args(args)
            .current_dir(self.work())
            .env_clear()
            .envs(&self.vars);
        let args = args.join(" ");
        event!(debug, "running the go command", args);
        // With `-x` the go command writes so of each clone that it uses.
        let clones = format!("/{}/{CLONES}/", self.name());
        let watch = |line: &str| {
            let lock = line.strip_prefix("# lock ");
            if let Some((_, clone)) = lock.and_then(|path| path.split_once(&clones)) {
                self.lent.note(clone);
            }
            watch(line)
        };
        run(command, self.folder.path(), limit, &self.stop, &watch)
    }

    /// An empty module cache, with clones of its own.
    pub(super) fn start_afresh(&mut self) -> io::Result<()> {
        self.is_fresh = true;
        found(fs::remove_dir_all(self.modules()))?;
        fs::create_dir_all(self.clones())
    }

    /// Removes the folder. After a run that has succeeded its clones have been used just now, and those that it has made
    /// afresh take the place of the others.
    pub(super) fn end(self, has_succeeded: bool) {
        if has_succeeded {
            let kept = match self.is_fresh {
                true => self.lent.adopt(&self.clones()),
                false => self.lent.mark(),
            };
            left_over("a clone that is broken, or was used", kept);
        }
        left_over("the folder of a run, with credentials", self.folder.close());
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
        self.folder.path().join(CLONES)
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
}

fn environment(settings: &Settings, grant: &Grant, folder: &Path) -> Vars {
    let mut vars = inherited(settings);
    let path = vars.get(OsStr::new("PATH")).cloned().unwrap_or_default();
    let others = env::split_paths(&path).filter(|folder| !folder.as_os_str().is_empty());
    let path = env::join_paths([folder.join("bin")].into_iter().chain(others));
    // What follows wins over what came before.
    let mut set = |name: &str, value: &OsStr| vars.insert(name.into(), value.into());
    for (name, value) in &settings.go_vars {
        set(name, value.as_ref());
    }
    for (name, file) in pairs(FILES) {
        set(name, folder.join(file).as_ref());
    }
    let ssh = git::ssh_command(&settings.secrets, grant, folder);
    set("GIT_SSH_COMMAND", ssh.as_ref());
    set("HOME", folder.as_ref());
    // A folder with a separator in its name cannot be on it.
    vars.extend(path.map(|path| ("PATH".into(), path)));
    vars
}

/// What commands get of the server's environment and of the settings.
pub(super) fn inherited(settings: &Settings) -> Vars {
    let kept = KEPT.split_whitespace();
    let kept = kept.filter_map(|name| Some((name.into(), env::var_os(name)?)));
    kept.chain(settings.env.iter().cloned()).collect()
}

/// Ends what runs for servers that are gone, and removes their folders.
pub(super) fn sweep(folder: &Path) -> io::Result<()> {
    for entry in entries(folder)? {
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        // Held until it is removed: nobody may begin in it.
        let lock = File::open(&path);
        if [RUN, ASIDE].iter().any(|prefix| name.starts_with(prefix))
            && lock.as_ref().is_ok_and(|lock| lock.try_lock().is_ok())
        {
            kill_at(&path)?;
            found(fs::remove_dir_all(&path))?;
        }
    }
    Ok(())
}
