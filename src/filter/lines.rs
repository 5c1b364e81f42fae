use crate::module::Version;

/// A longer line is left out. One of a registry is a version, of at most 250 bytes, and perhaps a time.
const LONGEST: usize = 1024;

/// Cuts a list of versions into lines, in whatever pieces it arrives.
#[derive(Default)]
pub(super) struct Lines {
    /// The line that has not ended yet, or as much of it as shows that it is too long.
    begun: Vec<u8>,
}

impl Lines {
    /// Shows each line that ends in this piece, without its end.
    pub(super) fn push(&mut self, piece: &[u8], mut line: impl FnMut(&[u8])) {
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            let last = part.strip_suffix(b"\n");
            let part = last.unwrap_or(part);
            let room = LONGEST + 1 - self.begun.len();
            self.begun.extend_from_slice(&part[..part.len().min(room)]);
            if last.is_some() {
                self.end(&mut line);
            }
        }
    }

    /// Shows the last line, if it has no end of its own.
    pub(super) fn end(&mut self, mut line: impl FnMut(&[u8])) {
        if self.begun.len() <= LONGEST {
            line(&self.begun);
        }
        self.begun.clear();
    }
}

/// The version that a line begins with. A line without one is of no use to the go command.
pub(super) fn version(line: &[u8]) -> Option<Version<'_>> {
    let line = std::str::from_utf8(line).ok()?;
    Version::new(line.split_ascii_whitespace().next()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, Lines};

    fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.push(piece, |line| found.push(line.to_vec()));
        }
        lines.end(|line| found.push(line.to_vec()));
        found.retain(|line| !line.is_empty());
        found
    }

    #[test]
    fn lines_are_the_same_in_whatever_pieces_they_arrive() {
        let list = b"v1.0.0\n\nv1.1.0 2024-01-02T03:04:05Z\r\nv1.2.0";
        let whole = lines(&[list]);
        assert_eq!(whole.len(), 3);
        for size in 1..list.len() {
            let pieces: Vec<_> = list.chunks(size).collect();
            assert_eq!(lines(&pieces), whole, "{size}");
        }
    }

    #[test]
    fn of_a_line_without_end_little_is_kept_and_the_next_one_is_found() {
        let mut lines = Lines::default();
        for _ in 0..1000 {
            lines.push(&[b'x'; 1000], |_| panic!("there is no line yet"));
            assert!(lines.begun.capacity() <= 4 * LONGEST);
        }
        let mut found = Vec::new();
        lines.push(b"x\nv1.0.0\n", |line| found.push(line.to_vec()));
        assert_eq!(found, [b"v1.0.0"]);
        let long = [&[b'y'; LONGEST + 1][..], b"\nv1.1.0\n"].concat();
        lines.push(&long, |line| found.push(line.to_vec()));
        assert_eq!(found, [b"v1.0.0", b"v1.1.0"]);
    }
}
