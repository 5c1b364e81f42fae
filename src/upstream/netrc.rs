//! netrc files, by the rules of the go command, which are not those of other readers: `machine` is compared with
//! `host:port/path`, and `default` counts for nothing.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{env, fmt, fs, io};

use http::HeaderValue;

use super::base::basic;

/// The credentials of a file, by machine.
#[derive(Default)]
pub(super) struct Netrc(HashMap<String, HeaderValue>);

impl Netrc {
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        Ok(Self::parse(&fs::read_to_string(path)?))
    }

    /// `$NETRC`, else `.netrc` in the home directory. A file that is not there is an empty one.
    pub(super) fn from_env() -> io::Result<Self> {
        let Some(path) = path_from_env() else {
            return Ok(Self::default());
        };
        match Self::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            other => other,
        }
    }

    fn parse(text: &str) -> Self {
        let mut netrc = Self::default();
        let mut lines = text.lines();
        let mut entry = Draft::default();
        while let Some(line) = lines.next() {
            let mut words = line.split_whitespace();
            while let Some(word) = words.next() {
                match word {
                    "machine" => {
                        entry = Draft {
                            machine: words.next(),
                            ..Draft::default()
                        };
                    }
                    "login" => entry.login = words.next(),
                    "password" => entry.password = words.next(),
                    // Everything up to the next blank line is the macro.
                    "macdef" => {
                        lines.by_ref().find(|line| line.trim().is_empty());
                        break;
                    }
                    // Stands behind all machines, by the format's definition.
                    "default" => return netrc,
                    _ => {}
                }
                entry.finish(&mut netrc.0);
            }
        }
        netrc
    }

    /// The credentials of the machine that is the longest prefix, by elements, of `host:port/path`.
    pub(super) fn find(&self, machine: &str) -> Option<&HeaderValue> {
        let mut prefix = machine.trim_end_matches('/');
        loop {
            if let Some(found) = self.0.get(prefix) {
                return Some(found);
            }
            prefix = prefix.rsplit_once('/')?.0;
        }
    }
}

/// Leaves out everything: all of it is secret.
impl fmt::Debug for Netrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Netrc").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Draft<'a> {
    machine: Option<&'a str>,
    login: Option<&'a str>,
    password: Option<&'a str>,
}

impl Draft<'_> {
    /// Of two entries for one machine the first counts.
    fn finish(&mut self, entries: &mut HashMap<String, HeaderValue>) {
        let (Some(machine), Some(login), Some(password)) =
            (self.machine, self.login, self.password)
        else {
            return;
        };
        if let Ok(value) = basic(login.as_bytes(), password.as_bytes()) {
            let machine = machine.trim_end_matches('/').to_owned();
            entries.entry(machine).or_insert(value);
        }
        *self = Self::default();
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

#[cfg(test)]
mod tests {
    use super::Netrc;
    use crate::upstream::base::basic;

    const FILE: &str = "\
machine a.example login ann password one
machine a.example login ann password later
macdef init
machine macro.example login no password no

machine a.example:8443
  login bob
  password two
machine a.example/corp/x/ login cid account acc password three
default login any password any
machine behind.example login no password no
";

    #[test]
    fn the_longest_path_prefix_of_the_exact_host_and_port_is_found() {
        let netrc = Netrc::parse(FILE);
        for (machine, want) in [
            ("a.example/m/@v/list", Some(("ann", "one"))),
            ("a.example", Some(("ann", "one"))),
            ("a.example:8443/m/@v/list", Some(("bob", "two"))),
            ("a.example/corp/x/m/@v/list", Some(("cid", "three"))),
            ("a.example/corp/xy/@v/list", Some(("ann", "one"))),
            ("a.example:443/m", None),
            ("b.example/m", None),
            ("macro.example/m", None),
            ("behind.example/m", None),
        ] {
            let want =
                want.map(|(user, password)| basic(user.as_bytes(), password.as_bytes()).unwrap());
            assert_eq!(netrc.find(machine), want.as_ref(), "{machine}");
        }
    }
}
