//! netrc files, read as the go command reads them: words in pairs within a line, and no `default`.

#[cfg(feature = "go-get")]
use std::borrow::Cow;
use std::iter;

/// The entries of a file, in its order.
#[derive(Default)]
pub(crate) struct Netrc(pub(crate) Vec<Entry>);

/// The credentials of one machine.
#[derive(Clone)]
pub(crate) struct Entry {
    /// `host`, `host:port` or either with a path; the host in lower case.
    pub(crate) machine: Vec<u8>,
    pub(crate) login: Vec<u8>,
    pub(crate) password: Vec<u8>,
}

#[cfg(feature = "go-get")]
impl Entry {
    /// With its port, and without the path that the go command knows behind it.
    pub(crate) fn host(&self) -> Cow<'_, str> {
        let mut parts = self.machine.split(|byte| *byte == b'/');
        String::from_utf8_lossy(parts.next().unwrap_or_default())
    }

    /// A line of a file.
    pub(crate) fn line(&self) -> Vec<u8> {
        let words = [
            &b"machine"[..],
            &self.machine,
            b"login",
            &self.login,
            b"password",
            &self.password,
        ];
        [&words.join(&b' '), &b"\n"[..]].concat()
    }
}

impl Netrc {
    /// Passwords need not be UTF-8.
    #[cfg(feature = "upstream")]
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self::read(text, false)
    }

    /// With values in quotes as whole words, quotes included: git knows them, the go command does not.
    #[cfg(feature = "go-get")]
    pub(crate) fn parse_quoted(text: &[u8]) -> Self {
        Self::read(text, true)
    }

    fn read(text: &[u8], quotes: bool) -> Self {
        let mut entries = Vec::new();
        let mut draft = Draft::default();
        let mut is_macro = false;
        for line in text.split(|byte| *byte == b'\n') {
            if is_macro {
                is_macro = !line.is_empty();
                continue;
            }
            let mut rest = line;
            let mut words = iter::from_fn(|| next_word(&mut rest, quotes));
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

    #[cfg(feature = "upstream")]
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

fn next_word<'a>(rest: &mut &'a [u8], quotes: bool) -> Option<&'a [u8]> {
    let text = rest.trim_ascii_start();
    let first = text.first()?;
    let blank = || text.iter().position(u8::is_ascii_whitespace);
    let quote = || {
        let mut pairs = text.windows(2);
        pairs
            .position(|pair| pair[1] == b'"' && pair[0] != b'\\')
            .map(|at| at + 2)
    };
    let end = match *first {
        b'"' if quotes => quote().or_else(blank),
        _ => blank(),
    };
    let (word, after) = text.split_at(end.unwrap_or(text.len()));
    *rest = after;
    Some(word)
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
