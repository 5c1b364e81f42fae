//! netrc files, read as the go command reads them: words in pairs within a line, `machine` compared with
//! `host:port/path`, and no `default`.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use std::{env, fmt, fs, io};

use tokio::time::Instant;

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

/// The entries of a file, in its order.
#[derive(Default)]
pub(crate) struct Netrc(Vec<Entry>);

/// The credentials of one machine.
pub(crate) struct Entry {
    /// `host`, `host:port` or either with a path; the host in lower case.
    pub(crate) machine: Vec<u8>,
    pub(crate) login: Vec<u8>,
    pub(crate) password: Vec<u8>,
}

impl Netrc {
    /// Passwords need not be UTF-8.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let mut entries = Vec::new();
        let mut draft = Draft::default();
        let mut is_macro = false;
        for line in text.split(|byte| *byte == b'\n') {
            if is_macro {
                is_macro = !line.is_empty();
                continue;
            }
            let mut words = line
                .split(|byte| byte.is_ascii_whitespace())
                .filter(|word| !word.is_empty());
            while let Some(key) = words.next() {
                // The go command takes entries out of comments.
                if key.starts_with(b"#") {
                    break;
                }
                let Some(value) = words.next() else {
                    if key == b"default" {
                        return Self(entries);
                    }
                    break;
                };
                match key {
                    b"machine" => draft = Draft::of(value),
                    b"login" => draft.login = Some(value),
                    b"password" => draft.password = Some(value),
                    b"macdef" => is_macro = true,
                    _ => {}
                }
                entries.extend(draft.finish());
            }
        }
        Self(entries)
    }

    /// The credentials of the machine that is the longest prefix, by elements, of `host:port/path`, of which the host is
    /// in lower case. Of two entries for one machine the first counts.
    pub(crate) fn find(&self, place: &str) -> Option<&Entry> {
        let mut prefix = place.strip_suffix('/').unwrap_or(place);
        loop {
            let found = self.0.iter().find(|one| one.machine == prefix.as_bytes());
            if found.is_some() {
                return found;
            }
            prefix = prefix.rsplit_once('/')?.0;
        }
    }
}

#[derive(Default)]
struct Draft<'a> {
    machine: Option<&'a [u8]>,
    login: Option<&'a [u8]>,
    password: Option<&'a [u8]>,
}

impl<'a> Draft<'a> {
    fn of(machine: &'a [u8]) -> Self {
        Self {
            machine: Some(machine),
            ..Self::default()
        }
    }

    fn finish(&mut self) -> Option<Entry> {
        let entry = Entry {
            machine: normal(self.machine?),
            login: self.login?.to_vec(),
            password: self.password?.to_vec(),
        };
        *self = Self::default();
        Some(entry)
    }
}

/// Without the scheme and one slash at the end, as in the go command; with the host in lower case.
fn normal(machine: &[u8]) -> Vec<u8> {
    let machine = machine.strip_prefix(b"https://").unwrap_or(machine);
    let mut machine = machine.strip_suffix(b"/").unwrap_or(machine).to_vec();
    let host = machine.iter().position(|byte| *byte == b'/');
    let end = host.unwrap_or(machine.len());
    machine[..end].make_ascii_lowercase();
    machine
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

#[cfg(test)]
mod tests {
    use super::Netrc;

    const FILE: &[u8] = b"\
# machine old.example login old password old
machine a.example login ann password one
machine a.example login ann password later
macdef init
machine macro.example login no password no

machine A.Example:8443
  login bob
  # login old
  password two#2
machine a.example/corp/X/ login cid account acc password three # of cid
machine https://url.example:443 login dan password \xff
default login any password any
machine behind.example login eve password five
default
machine last.example login no password no
";

    #[test]
    fn the_longest_path_prefix_of_the_exact_host_and_port_is_found() {
        let netrc = Netrc::parse(FILE);
        for (place, want) in [
            ("a.example/m/@v/list", Some(("ann", &b"one"[..]))),
            ("a.example", Some(("ann", b"one"))),
            ("a.example:8443/m/@v/list", Some(("bob", b"two#2"))),
            ("a.example/corp/X/m/@v/list", Some(("cid", b"three"))),
            ("a.example/corp/x/m/@v/list", Some(("ann", b"one"))),
            ("a.example/corp/Xy/@v/list", Some(("ann", b"one"))),
            ("url.example:443/m", Some(("dan", b"\xff"))),
            ("url.example/m", None),
            ("a.example:443/m", None),
            ("b.example/m", None),
            ("macro.example/m", None),
            ("old.example/m", None),
            // A `default` with credentials behind it on its line does not end the file for the go command.
            ("behind.example/m", Some(("eve", b"five"))),
            ("last.example/m", None),
        ] {
            let found = netrc.find(place);
            let found = found.map(|entry| (&*entry.login, &*entry.password));
            let want = want.map(|(login, password)| (login.as_bytes(), password));
            assert_eq!(found, want, "{place}");
        }
    }
}
