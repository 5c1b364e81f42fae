//! Paths that are the same for their host, whatever their capitals.

use crate::module::limits;

/// The hosts that do not tell capitals from small letters in a path.
#[derive(Clone)]
pub(super) struct AnyCase {
    hosts: Vec<Box<str>>,
}

impl Default for AnyCase {
    fn default() -> Self {
        let hosts = ["github.com", "gitlab.com", "bitbucket.org"];
        Self {
            hosts: hosts.map(Into::into).into(),
        }
    }
}

impl AnyCase {
    pub(super) fn add(&mut self, host: &str) {
        self.hosts.push(host.into());
    }

    pub(super) fn clear(&mut self) {
        self.hosts.clear();
    }

    /// Whether the host of an escaped path is one of these.
    pub(super) fn covers(&self, path: &str) -> bool {
        let host = path.split_once('/').map_or(path, |(host, _)| host);
        self.hosts.iter().any(|any| **any == *host)
    }
}

/// A path in small letters: of the escaped form, in which `!x` is a capital, all but the `!`.
///
/// On the stack, since each request for a path with capitals needs one.
#[expect(clippy::large_enum_variant, reason = "it lives for one look-up")]
pub(super) enum Folded<'a> {
    Same(&'a str),
    Without {
        bytes: [u8; limits::PATH],
        len: usize,
    },
}

impl<'a> Folded<'a> {
    /// The path is within the limits of a module path.
    pub(super) fn new(escaped: &'a str) -> Self {
        if !escaped.contains('!') {
            return Self::Same(escaped);
        }
        let mut bytes = [0; limits::PATH];
        let mut len = 0;
        let letters = escaped.bytes().filter(|byte| *byte != b'!');
        for (to, byte) in bytes.iter_mut().zip(letters) {
            *to = byte;
            len += 1;
        }
        Self::Without { bytes, len }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Same(path) => path,
            // Module paths are ASCII; the default is for the compiler.
            Self::Without { bytes, len } => str::from_utf8(&bytes[..*len]).unwrap_or_default(),
        }
    }
}
