//! Paths without the difference of capitals and small letters.

use crate::module::limits;

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
        let letters = escaped.bytes().filter(|byte| *byte != b'!');
        let mut len = 0;
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
            Self::Without { bytes, len } => std::str::from_utf8(&bytes[..*len]).unwrap_or_default(),
        }
    }
}
