//! Small pieces of a source, side by side in memory.
//!
//! A piece is a part of the buffer that its connection was read into, and keeps all of that. A connection which gives little
//! at once has a buffer of twice as much, or more, for each piece.

use std::mem;

use bytes::{Bytes, BytesMut};

/// Larger pieces stay where they are: such a source is so fast that a copy costs more than what its buffers take for a
/// moment. A record of TLS and a frame of HTTP/2 hold half of this.
const SMALL: usize = ROOM;

/// The most that is allocated for small pieces at once.
const ROOM: usize = 32 * 1024;

#[derive(Debug, Default)]
pub(super) struct Pack {
    room: BytesMut,
    /// Bytes packed so far.
    packed: usize,
}

impl Pack {
    /// Takes the first bytes of a piece that has some: all of a large one, and of a small one those that there is room for.
    pub(super) fn take(&mut self, piece: &mut Bytes) -> Bytes {
        if piece.len() > SMALL {
            return mem::take(piece);
        }
        if self.room.capacity() == 0 {
            // A small file takes what it needs, and twice as much at most where it comes in many pieces.
            let capacity = self.packed.clamp(piece.len(), ROOM);
            self.room = BytesMut::with_capacity(capacity);
        }
        let len = piece.len().min(self.room.capacity());
        self.room.extend_from_slice(&piece.split_to(len));
        self.packed += len;
        self.room.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(pieces: &[Bytes]) -> Vec<Bytes> {
        let mut pack = Pack::default();
        let mut parts = Vec::new();
        for piece in pieces {
            let mut piece = piece.clone();
            while !piece.is_empty() {
                parts.push(pack.take(&mut piece));
            }
        }
        assert_eq!(parts.concat(), pieces.concat());
        parts
    }

    fn piece(len: usize) -> Bytes {
        (0..len).map(|at| (at % 251) as u8).collect()
    }

    #[test]
    fn small_pieces_lie_side_by_side() {
        let parts = packed(&vec![piece(4_000); 100]);
        let gaps = parts.windows(2).filter(|parts| {
            let [before, after] = parts else {
                unreachable!()
            };
            before.as_ptr_range().end != after.as_ptr()
        });
        // One of 4,000 bytes, as many again, twice as many, and so on.
        assert!(gaps.count() <= 3 + 400_000 / ROOM);
    }

    #[test]
    fn a_large_piece_is_not_copied() {
        let large = piece(SMALL + 1);
        let parts = packed(&[piece(10), large.clone(), piece(10)]);
        assert_eq!(parts[1].as_ptr(), large.as_ptr());
    }

    #[test]
    fn a_file_in_one_small_piece_takes_no_more_than_its_length() {
        let mut pack = Pack::default();
        pack.take(&mut piece(300));
        assert_eq!(pack.room.capacity(), 0);
    }
}
