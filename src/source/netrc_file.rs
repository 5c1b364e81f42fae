//! A netrc file that is read again when it has changed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use std::{env, fmt, fs, io};

use tokio::time::Instant;

use super::netrc::Netrc;

/// How often a file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// A file that is read again when it has changed: tokens rotate.
pub(crate) struct NetrcFile {
    path: PathBuf,
    state: Mutex<State>,
}

struct State {
    netrc: Arc<Netrc>,
    stamp: Option<Stamp>,
    looked: Option<Instant>,
}

/// What a change of the file changes.
type Stamp = (SystemTime, u64);

impl NetrcFile {
    /// A file that has to be there.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let stamp = stamp(path);
        Ok(Self::of(path, Netrc::parse(&fs::read(path)?), stamp))
    }

    /// `$NETRC`, else `.netrc` in the home directory. A file that is not there is an empty one.
    pub(crate) fn from_env() -> io::Result<Option<Self>> {
        let Some(path) = path_from_env() else {
            return Ok(None);
        };
        match Self::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Some(Self::of(&path, Netrc::default(), None)))
            }
            other => other.map(Some),
        }
    }

    fn of(path: &Path, netrc: Netrc, stamp: Option<Stamp>) -> Self {
        let state = State {
            netrc: Arc::new(netrc),
            stamp,
            looked: None,
        };
        Self {
            path: path.to_owned(),
            state: Mutex::new(state),
        }
    }

    /// What the file says now. One that cannot be read any more counts as it was: a rewrite may be under way.
    ///
    /// A look at a small local file takes microseconds, and there is one a second.
    pub(crate) fn current(&self) -> Arc<Netrc> {
        // Nothing leaves it half changed.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if state.looked.is_none_or(|looked| now - looked >= EVERY) {
            state.looked = Some(now);
            let stamp = stamp(&self.path);
            if stamp != state.stamp
                && let Ok(text) = fs::read(&self.path)
            {
                state.netrc = Arc::new(Netrc::parse(&text));
                state.stamp = stamp;
            }
        }
        Arc::clone(&state.netrc)
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// Leaves out what the file says: all of it is secret.
impl fmt::Debug for NetrcFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NetrcFile").finish_non_exhaustive()
    }
}

fn path_from_env() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    if let Some(path) = set("NETRC") {
        return Some(path.into());
    }
    let (home, file) = if cfg!(windows) {
        ("USERPROFILE", "_netrc")
    } else {
        ("HOME", ".netrc")
    };
    set(home).map(|home| Path::new(&home).join(file))
}
