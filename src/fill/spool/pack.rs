//! Small pieces of a source, side by side in memory.
//!
//! A piece is a part of the buffer that its connection was read into, and keeps all of that. Over HTTP/1.1 such a buffer is
//! at least twice as large as what a slow source gives at once.

use bytes::{Bytes, BytesMut};

/// Smaller pieces are joined by the spool, larger ones stay where they are: such a source is so fast that a copy costs more
/// than what its buffers take for a moment.
pub(super) const TINY: usize = 4 * 1024;
const SMALL: usize = 32 * 1024;

/// The most that is allocated for several pieces at once. It is kept until the last of them goes.
const ROOM: usize = 32 * 1024;

/// Copies the small pieces of one source.
#[derive(Debug, Default)]
pub(super) struct Pack {
    room: BytesMut,
    /// Bytes packed so far.
    packed: usize,
}

impl Pack {
    /// The same bytes, in memory that has little else.
    pub(super) fn pack(&mut self, piece: Bytes) -> Bytes {
        let len = piece.len();
        if !(TINY..=SMALL).contains(&len) {
            return piece;
        }
        if self.room.capacity() < len {
            let capacity = match len <= ROOM / 2 {
                // A small file takes what it needs, and twice as much at most where it comes in many pieces.
                true => self.packed.clamp(len, ROOM),
                false => len,
            };
            self.room = BytesMut::with_capacity(capacity);
        }
        self.room.extend_from_slice(&piece);
        self.packed += len;
        let packed = self.room.split().freeze();
        if self.room.capacity() < TINY {
            // Also an empty one would keep what it was a part of.
            self.room = BytesMut::new();
        }
        packed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(len: usize) -> Bytes {
        (0..len).map(|at| (at % 251) as u8).collect()
    }

    fn packed(pack: &mut Pack, lens: impl IntoIterator<Item = usize>) -> Vec<Bytes> {
        let pieces = lens.into_iter().map(|len| {
            let packed = pack.pack(piece(len));
            assert_eq!(packed, piece(len));
            packed
        });
        pieces.collect()
    }

    fn adjacent(pieces: &[Bytes]) -> usize {
        let pairs = pieces.windows(2);
        let adjacent = pairs.filter(|pair| pair[0].as_ptr_range().end == pair[1].as_ptr());
        adjacent.count()
    }

    #[test]
    fn small_pieces_lie_side_by_side() {
        let pieces = packed(&mut Pack::default(), [TINY; 100]);
        // Rooms for one, one, two, four and then eight of them.
        assert!(adjacent(&pieces) >= 100 - 5 - 100 / 8);
        let pieces = packed(&mut Pack::default(), [ROOM / 2; 10]);
        assert!(adjacent(&pieces) >= 4);
    }

    #[test]
    fn only_small_pieces_are_copied() {
        for (len, is_copied) in [
            (TINY - 1, false),
            (TINY, true),
            (SMALL, true),
            (SMALL + 1, false),
        ] {
            let piece = piece(len);
            let is_same = Pack::default().pack(piece.clone()).as_ptr() == piece.as_ptr();
            assert_eq!(is_same, !is_copied, "{len}");
        }
    }

    #[test]
    fn what_fills_its_memory_is_kept_by_nobody_else() {
        for len in [TINY, ROOM / 2 + 1, SMALL] {
            let mut pack = Pack::default();
            let packed = pack.pack(piece(len));
            assert!(packed.is_unique(), "{len}");
            assert_eq!(packed.try_into_mut().unwrap().capacity(), len);
        }
    }

    #[test]
    fn a_file_in_many_pieces_takes_at_most_twice_its_length() {
        let mut pack = Pack::default();
        packed(&mut pack, [TINY; 3]);
        assert!(pack.room.capacity() <= 3 * TINY);
    }
}
