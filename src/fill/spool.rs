//! The bytes of a running fill: one writer, any number of readers.
//!
//! Each reader has its own offset and its own pace: it begins at byte 0 however late it comes, is never cut because it is
//! slow, and never slows the writer. Bytes are in memory until the file has them, and are never dropped before. A small
//! file never leaves memory.
//!
//! An end is said, never guessed: complete, or failed with a reason.

use std::collections::VecDeque;
use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use tokio::sync::watch;
use tokio::task::coop::consume_budget;
use tower::BoxError;

use crate::files::{FRAME, FileReader, SharedFile};

/// Smaller pieces are joined, so that there are never very many, and keep nothing of the buffer that they came in.
const TINY: usize = 4 * 1024;

type Reason = Arc<dyn Error + Send + Sync>;

/// The writer's side.
#[derive(Debug)]
pub(super) struct Spool(watch::Sender<State>);

#[derive(Debug, Default)]
struct State {
    /// The bytes from `in_file` up to `written`.
    tail: VecDeque<Bytes>,
    /// The file has the bytes before this.
    in_file: u64,
    written: u64,
    /// Readers may have the bytes before this.
    visible: u64,
    /// Holds the bytes before `in_file`.
    file: Option<SharedFile>,
    /// Once it is said, nothing changes but where the bytes lie.
    end: Option<Result<(), Reason>>,
}

impl Spool {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(State::default()))
    }

    /// What one reader gets: the bytes from this offset on, before `end` or up to where they end. It ends once they are known
    /// to be right, or with the reason with which the spool has ended, or a failed read of its file.
    pub(super) fn frames(
        &self,
        start: u64,
        end: Option<u64>,
    ) -> impl Stream<Item = Result<Bytes, BoxError>> + Send + use<> {
        let reader = Reader {
            state: self.0.subscribe(),
            position: start,
            end,
            file: None,
        };
        stream::unfold(reader, |mut reader| async {
            let frame = reader.next().await.transpose()?;
            Some((frame, reader))
        })
    }

    /// Adds bytes at the end, and shows readers those before `visible`.
    pub(super) fn push(&self, bytes: Bytes, visible: u64) {
        self.0.send_modify(|state| {
            state.push(bytes);
            state.visible = visible.min(state.written);
        });
    }

    /// How many bytes have come.
    pub(super) fn written(&self) -> u64 {
        self.0.borrow().written
    }

    /// All bytes from this offset on that are in memory.
    pub(super) fn pieces(&self, from: u64) -> Vec<Bytes> {
        let state = self.0.borrow();
        let mut start = state.in_file;
        let rest = state.tail.iter().filter_map(|piece| {
            let skipped = from.saturating_sub(start);
            start += piece.len() as u64;
            // Less than the piece is long.
            (from < start).then(|| piece.slice(skipped as usize..))
        });
        rest.collect()
    }

    /// The file has the bytes before this, so they leave memory.
    pub(super) fn moved_to_file(&self, file: &SharedFile, end: u64) {
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
    pub(super) fn end(&self, end: Result<(), Reason>) {
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
    fn in_memory(&self, position: u64, max: usize) -> Option<Bytes> {
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

/// One reader of a spool, at its own offset.
struct Reader {
    state: watch::Receiver<State>,
    position: u64,
    end: Option<u64>,
    file: Option<FileReader>,
}

enum Step {
    Memory(Bytes),
    /// The file has the bytes before this.
    File(u64),
    Wait,
    End,
}

impl Reader {
    /// The next frame, or `None` once all bytes have been handed out and are known to be right.
    ///
    /// # Errors
    ///
    /// The reason with which the spool has ended, and a failed read of its file.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, nothing has been handed out.
    async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
        let frame = loop {
            match self.step()? {
                Step::Memory(frame) => {
                    consume_budget().await;
                    break frame;
                }
                Step::File(end) => match &mut self.file {
                    Some(file) => break file.next(end).await?,
                    None => return Err("the spool has no file".into()),
                },
                Step::Wait => self.state.changed().await?,
                Step::End => return Ok(None),
            }
        };
        self.position += frame.len() as u64;
        Ok(Some(frame))
    }

    fn step(&mut self) -> Result<Step, BoxError> {
        let state = self.state.borrow_and_update();
        let visible = self.end.map_or(state.visible, |end| end.min(state.visible));
        if self.position < visible {
            if self.position >= state.in_file {
                let max = usize::try_from(visible - self.position).unwrap_or(FRAME);
                let frame = state.in_memory(self.position, max.min(FRAME));
                return frame
                    .map(Step::Memory)
                    .ok_or("the spool lacks bytes".into());
            }
            let is_there = self.file.as_ref().map(FileReader::position) == Some(self.position);
            if !is_there {
                let file = state.file.clone();
                self.file = file.map(|file| FileReader::new(file, self.position));
            }
            return Ok(Step::File(visible.min(state.in_file)));
        }
        if self.end.is_some_and(|end| self.position >= end) {
            return Ok(Step::End);
        }
        match &state.end {
            None => Ok(Step::Wait),
            Some(Ok(())) => Ok(Step::End),
            Some(Err(reason)) => Err(Arc::clone(reason).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::TryStreamExt;

    use super::Spool;
    use crate::files::{SharedFile, Threads, write_all_at};

    #[tokio::test]
    async fn a_piece_stays_in_memory_until_the_file_has_all_of_it() {
        let file = tempfile::tempfile().unwrap();
        let file = SharedFile::new(file, None, Threads::new());
        let spool = Spool::new();
        spool.push(Bytes::from("begin"), 5);
        write_all_at(file.get().unwrap(), b"begin", 0).unwrap();
        // Joined with what is being written.
        spool.push(Bytes::from(" and end"), 13);
        spool.moved_to_file(&file, 5);
        assert_eq!(spool.pieces(5), [" and end"]);
        spool.end(Ok(()));
        let pieces: Vec<Bytes> = spool.frames(0, None).try_collect().await.unwrap();
        assert_eq!(pieces.concat(), b"begin and end");

        write_all_at(file.get().unwrap(), b" and end", 5).unwrap();
        spool.moved_to_file(&file, 13);
        assert_eq!(spool.pieces(0), [""; 0]);
        let pieces: Vec<Bytes> = spool.frames(3, Some(8)).try_collect().await.unwrap();
        assert_eq!(pieces.concat(), b"in an");
    }
}
