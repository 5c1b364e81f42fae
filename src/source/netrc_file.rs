//! A netrc file that is read again and again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{env, fmt, fs, io};

use tokio::time::Instant;

use super::netrc::Netrc;
use crate::lock::lock;

/// How often a file is read.
const EVERY: Duration = Duration::from_secs(1);

/// A file that is read again, since tokens rotate. Neither its time nor its length tells that they did.
pub(crate) struct NetrcFile {
    path: PathBuf,
    state: Mutex<(Arc<Netrc>, Option<Instant>)>,
}

impl NetrcFile {
    /// A file that has to be there.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        Ok(Self::of(path, Netrc::parse(&fs::read(path)?)))
    }

    /// `$NETRC`, else `.netrc` in the home directory. A file that is not there is an empty one.
    pub(crate) fn from_env() -> io::Result<Option<Self>> {
        let Some(path) = path_from_env() else {
            return Ok(None);
        };
        match Self::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(Some(Self::of(&path, Netrc::default())))
            }
            other => other.map(Some),
        }
    }

    fn of(path: &Path, netrc: Netrc) -> Self {
        Self {
            path: path.to_owned(),
            state: Mutex::new((Arc::new(netrc), None)),
        }
    }

    /// What the file says now. One that cannot be read any more counts as it was: a rewrite may be under way.
    ///
    /// To read a small local file takes microseconds, and happens once a second.
    pub(crate) fn current(&self) -> Arc<Netrc> {
        let mut state = lock(&self.state);
        let (netrc, read) = &mut *state;
        if read.is_none_or(|read| read.elapsed() >= EVERY) {
            *read = Some(Instant::now());
            if let Ok(text) = fs::read(&self.path) {
                *netrc = Arc::new(Netrc::parse(&text));
            }
        }
        Arc::clone(netrc)
    }
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
