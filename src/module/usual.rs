//! A quick look at a path, which is enough for nearly every path of a module.
//!
//! A path is read with every request. The rules one by one, which can tell what is wrong, look at each byte many times.

use super::cut::before;
use super::element::is_reserved;
use super::escape::Form;
use super::{limits, suffix};

/// What a byte is in such a path, a bit each.
const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const DASH: u8 = 4;
const DOT: u8 = 8;
const BANG: u8 = 16;
const SLASH: u8 = 32;
const UNDERSCORE: u8 = 64;
/// What an element can end with.
const END: u8 = LETTER | DIGIT | DASH | UNDERSCORE;

/// A byte, and what it can follow.
#[derive(Clone, Copy)]
struct Byte {
    is: u8,
    follows: u8,
}

const BYTES: [Byte; 256] = {
    // Anything else follows nothing.
    let mut bytes = [Byte { is: 0, follows: 0 }; 256];
    let mut at = 0;
    while at < 128 {
        let (is, follows) = match at as u8 {
            b'a'..=b'z' => (LETTER, END | DOT | BANG | SLASH),
            b'0'..=b'9' => (DIGIT, END | DOT | SLASH),
            b'-' => (DASH, END),
            b'_' => (UNDERSCORE, END | DOT | SLASH),
            b'.' => (DOT, END),
            b'!' => (BANG, END | DOT | SLASH),
            b'/' => (SLASH, END),
            _ => (0, 0),
        };
        bytes[at] = Byte { is, follows };
        at += 1;
    }
    bytes
};

/// Whether this is the escaped form of a path that keeps all rules. Some that do are not taken for such: those with a `~`,
/// with a dash or a dot in a rare place, or of more than 255 bytes.
pub(super) fn is_usual(escaped: &str) -> bool {
    if escaped.len() > limits::ELEMENT {
        return false;
    }
    let (mut start, mut seen, mut last) = (0, 0, SLASH);
    for (at, byte) in escaped.bytes().enumerate() {
        let Byte { is, follows } = BYTES[usize::from(byte)];
        if follows & last == 0 {
            return false;
        }
        if is == SLASH {
            if start == 0 && !is_host(seen) || is_device(&escaped[start..at]) {
                return false;
            }
            start = at + 1;
        }
        seen |= is;
        last = is;
    }
    END & last != 0
        && (start > 0 || is_host(seen))
        && !is_device(&escaped[start..])
        && suffix::split(escaped).is_some()
}

/// Whether the first element can be one, by all that is in it.
fn is_host(seen: u8) -> bool {
    seen & (DOT | BANG | UNDERSCORE) == DOT
}

fn is_device(element: &str) -> bool {
    // The first letters of all of them, and that of a capital.
    element.starts_with(['a', 'c', 'l', 'n', 'p', '!'])
        && is_reserved(before(element, b'.'), Form::Escaped)
}

#[cfg(test)]
mod tests {
    use super::super::path::check_escaped;
    use super::*;

    #[test]
    fn paths_as_most_modules_have_them_are_usual() {
        for path in [
            "example.com",
            "github.com/!burnt!sushi/toml",
            "golang.org/x/mod",
            "gopkg.in/yaml.v3",
            "git.corp.example/team-1/my.lib/v2",
            "github.com/prometheus/client_golang",
        ] {
            assert!(is_usual(path), "{path}");
        }
    }

    #[test]
    fn no_device_is_usual() {
        for name in ["con", "prn", "aux", "nul", "com1", "com9", "lpt1", "lpt9"] {
            for path in [
                format!("a.b/{name}"),
                format!("a.b/!{name}/x"),
                format!("a.b/{name}.x/y"),
                format!("{name}.b/x"),
            ] {
                assert!(!is_usual(&path), "{path}");
            }
        }
    }

    #[test]
    fn no_other_byte_is_taken_for_a_usual_one() {
        for letter in (0..=u8::MAX)
            .map(char::from)
            .chain("\u{100}\u{161}\u{17f}\u{212a}".chars())
        {
            for path in [
                format!("a{letter}b.c"),
                format!("{letter}.b/x"),
                format!("a.b/x{letter}y"),
                format!("a.b/{letter}"),
            ] {
                assert!(!is_usual(&path) || check_escaped(&path).is_ok(), "{path}");
            }
        }
    }

    /// Every text of up to five of these bytes, as a path and below a host.
    #[test]
    fn what_is_usual_keeps_all_rules() {
        const ALPHABET: &[u8] = b"aconv12.-_/!~A";
        let mut usual = 0;
        for len in 0..=5 {
            for number in 0..ALPHABET.len().pow(len) {
                let digits = (0..len).map(|at| number / ALPHABET.len().pow(at) % ALPHABET.len());
                let text: String = digits.map(|digit| char::from(ALPHABET[digit])).collect();
                for path in [
                    text.clone(),
                    format!("a.b/{text}"),
                    format!("gopkg.in/{text}"),
                ] {
                    if is_usual(&path) {
                        assert!(check_escaped(&path).is_ok(), "{path}");
                        usual += 1;
                    }
                }
            }
        }
        assert!(usual > 50_000, "{usual}");
    }
}
