use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Waker};

use bytes::Bytes;
use slab::Slab;

use super::failure::Failure;
use super::pack::TINY;
use crate::storage::SharedFile;

/// How large a file may be that stays in memory; and how far the writer may be ahead of the slowest
/// reader where there is no staged file.
const MEMORY: u64 = 256 * 1024;

/// More than this goes into the staged file at once: less than one read of a fast source over HTTP/1.1 gives, so that none
/// waits for a second one, and so little that many slow fills do not take much.
const BATCH: u64 = 64 * 1024;

/// How much of what the staged file has is kept in memory too, for the readers that may find it there: for one, for each
/// further one, and at most. Readers at the front then share the bytes of the source, and need no reads of their own; one
/// alone has nobody to share with. Pieces are kept or dropped whole.
const WINDOW_OF_ONE: u64 = 16 * 1024;
const WINDOW_PER_FURTHER: u64 = 64 * 1024;
const WINDOW: u64 = 1024 * 1024;

/// How much of a file whose length is known is held back until it has been checked. More than
/// the directory at the end of a small zip, so that what is missing is no detail.
const HELD_BACK: u64 = 64 * 1024;

/// How much is held back of a file whose length is not known, so that nobody has all of it before it
/// has been checked: more than the record that ends a zip, and too little to be waited for.
const HELD_BACK_AT_LEAST: u64 = 64;

/// What one writer and its readers share.
#[derive(Debug)]
pub(in crate::fill) struct Spool {
    state: Mutex<State>,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// The length that the source has declared, or that the whole file turned out to have.
    pub(super) len: Option<u64>,
    /// Readers may have the bytes before this.
    pub(super) visible: u64,
    /// Bytes accepted from the source.
    pub(super) written: u64,
    /// The bytes from `buffered_from` up to `written`.
    pub(super) buffer: VecDeque<Bytes>,
    pub(super) buffered_from: u64,
    /// Holds the bytes before `in_file`, which is where a piece of the buffer begins.
    pub(super) file: Option<SharedFile>,
    pub(super) in_file: u64,
    /// The bytes before this are in the staged file or on their way into it. A piece begins here too.
    sent: u64,
    /// The staged file cannot take more: what all readers have read is dropped.
    pub(super) lossy: bool,
    pub(super) readers: Slab<Slot>,
    /// The fill is wanted even without a reader.
    pub(super) detached: bool,
    pub(super) writer: Option<Waker>,
    /// Those to be woken once the lock is free.
    woken: Vec<Waker>,
}

/// One reader, as the writer sees it.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) position: u64,
    pub(super) waker: Option<Waker>,
}

#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Waits for a place, or for the head of the source's answer.
    Asking,
    /// Bytes come in.
    Filling,
    /// All bytes are there and they are right.
    Checked,
    /// So far as storing goes, all has been done.
    Settled,
    /// There is no file.
    Failed(Failure),
    /// The answer of the source is not one to be shared: each reader asks for itself.
    Alone,
}

impl Spool {
    pub(in crate::fill) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                phase: Phase::Asking,
                len: None,
                visible: 0,
                written: 0,
                buffer: VecDeque::new(),
                buffered_from: 0,
                file: None,
                in_file: 0,
                sent: 0,
                lossy: false,
                readers: Slab::new(),
                detached: false,
                writer: None,
                woken: Vec::new(),
            }),
        }
    }

    /// Looks at the state or changes it, and then wakes whom the change is for.
    pub(super) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        // A panic of another holder leaves the state usable: no step of a change stops half way.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut state);
        let woken = std::mem::take(&mut state.woken);
        drop(state);
        // Not under the lock: a waker may drop a task, and with it a reader of this very spool.
        woken.into_iter().for_each(Waker::wake);
        result
    }
}

impl State {
    pub(super) fn wake_readers(&mut self) {
        for (_, slot) in &mut self.readers {
            self.woken.extend(slot.waker.take());
        }
    }

    pub(super) fn wake_writer(&mut self) {
        self.woken.extend(self.writer.take());
    }

    pub(super) fn wait_as_reader(&mut self, reader: usize, cx: &Context<'_>) {
        register(&mut self.readers[reader].waker, cx);
    }

    pub(super) fn wait_as_writer(&mut self, cx: &Context<'_>) {
        register(&mut self.writer, cx);
    }

    /// Whether a new reader would get the whole file.
    pub(super) fn is_joinable(&self) -> bool {
        !self.lossy && !matches!(self.phase, Phase::Failed(_) | Phase::Alone)
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.detached || !self.readers.is_empty()
    }

    /// Adds a piece at the end. Tiny ones are joined, so that there are never very many, and keep nothing of their source.
    pub(super) fn push(&mut self, bytes: Bytes) {
        let all_sent = self.sent == self.written;
        self.written += bytes.len() as u64;
        match self.buffer.back_mut() {
            Some(last) if last.len() < TINY && bytes.len() < TINY && !all_sent => {
                *last = [&last[..], &bytes[..]].concat().into();
            }
            _ if bytes.len() < TINY => self.buffer.push_back(Bytes::copy_from_slice(&bytes)),
            _ => self.buffer.push_back(bytes),
        }
        self.visible = match self.len {
            Some(len) => self.written.min(len.saturating_sub(HELD_BACK)),
            None => self.written.saturating_sub(HELD_BACK_AT_LEAST),
        };
    }

    /// Whether there is enough for a first answer, of a file that has not been checked. Of one that
    /// would be held back as a whole there never is.
    pub(super) fn has_begun(&self) -> bool {
        self.lossy || self.len.unwrap_or(self.written) > HELD_BACK
    }

    /// Whether there is enough for a write to the staged file. A file that may be small stays in memory.
    pub(super) fn is_batch(&self) -> bool {
        let may_be_small = self.sent == 0 && self.len.is_none_or(|len| len <= MEMORY);
        let most = if may_be_small { MEMORY } else { BATCH };
        self.written - self.sent > most
    }

    /// Hands out what has not been sent to the staged file, and where it belongs.
    pub(super) fn send(&mut self) -> (u64, Vec<Bytes>) {
        let sent = self.sent;
        let mut end = self.written;
        let mut pieces = Vec::new();
        for bytes in self.buffer.iter().rev() {
            if end <= sent {
                break;
            }
            end -= bytes.len() as u64;
            pieces.push(bytes.clone());
        }
        pieces.reverse();
        self.sent = self.written;
        (sent, pieces)
    }

    /// The staged file has the bytes before this. Of those only the newest stay in memory.
    pub(super) fn note_written(&mut self, file: SharedFile, end: u64) {
        self.file = Some(file);
        self.in_file = end;
        let window = match self.readers_near() {
            0 => 0,
            near => WINDOW_OF_ONE + (near - 1) * WINDOW_PER_FURTHER,
        };
        self.drop_written(window.min(WINDOW));
    }

    /// Frees what the staged file has too, but for the newest bytes.
    pub(super) fn drop_written(&mut self, window: u64) {
        while let Some(first) = self.buffer.front() {
            let end = self.buffered_from + first.len() as u64;
            if end > self.in_file || self.written - end < window {
                break;
            }
            self.buffered_from = end;
            self.buffer.pop_front();
        }
    }

    /// How many readers are so close behind the writer that a window could have what they need next.
    fn readers_near(&self) -> u64 {
        let near = self.written.saturating_sub(WINDOW)..=self.written;
        let positions = self.readers.iter().map(|(_, slot)| slot.position);
        positions.filter(|position| near.contains(position)).count() as u64
    }

    /// From now on the file is only for the readers that are there.
    pub(super) fn lose(&mut self) {
        self.lossy = true;
        self.detached = false;
    }

    /// Whether the readers have room for more. Those who have all that they may have are not waited
    /// for: they wait for the writer.
    pub(super) fn has_room(&self) -> bool {
        self.written - self.buffered_from < MEMORY || self.slowest() >= self.visible
    }

    pub(super) fn slowest(&self) -> u64 {
        self.readers
            .iter()
            .map(|(_, slot)| slot.position)
            .min()
            .unwrap_or(self.written)
    }

    /// Frees what no present reader needs, once there is no file for those to come.
    pub(super) fn drop_read(&mut self) {
        let slowest = self.slowest();
        while let Some(first) = self.buffer.front() {
            let end = self.buffered_from + first.len() as u64;
            if end > slowest {
                break;
            }
            self.buffered_from = end;
            self.buffer.pop_front();
        }
    }

    /// Bytes from `position` out of the buffer, as many as one piece has and `max` allows.
    pub(super) fn buffered(&self, position: u64, max: u64) -> Option<Bytes> {
        let mut end = self.written;
        // Most readers are at the front.
        for bytes in self.buffer.iter().rev() {
            let start = end - bytes.len() as u64;
            if (start..end).contains(&position) {
                // Both are below the length of a piece in memory.
                let from = (position - start) as usize;
                let to = (end.min(position + max) - start) as usize;
                return Some(bytes.slice(from..to));
            }
            end = start;
        }
        None
    }
}

fn register(slot: &mut Option<Waker>, cx: &Context<'_>) {
    match slot {
        Some(waker) => waker.clone_from(cx.waker()),
        None => *slot = Some(cx.waker().clone()),
    }
}
