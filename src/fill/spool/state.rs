use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::reader::Reader;
use crate::files::SharedFile;

/// Smaller pieces are joined, so that there are never very many, and keep nothing of the buffer that they came in.
const TINY: usize = 4 * 1024;

pub(super) type Reason = Arc<dyn Error + Send + Sync>;

/// The writer's side. Clones are the same spool.
#[derive(Clone, Debug)]
pub(in crate::fill) struct Spool(Arc<watch::Sender<State>>);

#[derive(Debug, Default)]
pub(super) struct State {
    /// The bytes from `in_file` up to `written`.
    tail: VecDeque<Bytes>,
    /// The file has the bytes before this.
    pub(super) in_file: u64,
    written: u64,
    /// Readers may have the bytes before this.
    pub(super) visible: u64,
    /// Holds the bytes before `in_file`.
    pub(super) file: Option<SharedFile>,
    /// Once it is said, nothing changes but where the bytes lie.
    pub(super) end: Option<Result<(), Reason>>,
}

impl Spool {
    pub(in crate::fill) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(State::default())))
    }

    /// A reader that begins at this offset, and ends before `end`, or where the bytes end.
    pub(in crate::fill) fn reader(&self, start: u64, end: Option<u64>) -> Reader {
        Reader {
            state: self.0.subscribe(),
            position: start,
            end,
            file: None,
        }
    }

    /// Adds bytes at the end, and shows readers those before `visible`.
    pub(in crate::fill) fn push(&self, bytes: Bytes, visible: u64) {
        self.0.send_modify(|state| {
            state.push(bytes);
            state.visible = visible.min(state.written);
        });
    }

    /// How many bytes have come.
    pub(in crate::fill) fn written(&self) -> u64 {
        self.0.borrow().written
    }

    /// All bytes that are in memory.
    pub(in crate::fill) fn pieces(&self) -> Vec<Bytes> {
        self.0.borrow().tail.iter().cloned().collect()
    }

    /// The file has the bytes before this, so they leave memory.
    pub(in crate::fill) fn moved_to_file(&self, file: &SharedFile, end: u64) {
        self.0.send_if_modified(|state| {
            state.file.get_or_insert_with(|| file.clone());
            while let Some(piece) = state.tail.front()
                && state.in_file + piece.len() as u64 <= end
            {
                state.in_file += piece.len() as u64;
                state.tail.pop_front();
            }
            // Who waits, waits for bytes.
            false
        });
    }

    /// Says how it ends: with all bytes right, which readers then may have, or with a reason. Only the first word counts.
    pub(in crate::fill) fn end(&self, end: Result<(), Reason>) {
        self.0.send_modify(|state| {
            if state.end.is_none() {
                if end.is_ok() {
                    state.visible = state.written;
                }
                state.end = Some(end);
            }
        });
    }
}

impl State {
    fn push(&mut self, bytes: Bytes) {
        self.written += bytes.len() as u64;
        match self.tail.back_mut() {
            Some(last) if last.len() < TINY && bytes.len() < TINY => {
                *last = [&last[..], &bytes[..]].concat().into();
            }
            _ if bytes.len() < TINY => self.tail.push_back(Bytes::copy_from_slice(&bytes)),
            _ => self.tail.push_back(bytes),
        }
    }

    /// Bytes in memory from `position` on, at most as many as one piece has.
    pub(super) fn in_memory(&self, position: u64, max: usize) -> Option<Bytes> {
        let mut end = self.written;
        // Most readers are near the end.
        for piece in self.tail.iter().rev() {
            let start = end - piece.len() as u64;
            if (start..end).contains(&position) {
                // Less than the piece is long.
                let from = (position - start) as usize;
                return Some(piece.slice(from..piece.len().min(from + max)));
            }
            end = start;
        }
        None
    }
}
