use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::coop::consume_budget;
use tower::BoxError;

use super::state::State;
use crate::files::{FRAME, FileReader};

/// One reader of a spool, at its own offset.
pub(in crate::fill) struct Reader {
    pub(super) state: watch::Receiver<State>,
    pub(super) position: u64,
    pub(super) end: Option<u64>,
    pub(super) file: Option<FileReader>,
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
    pub(in crate::fill) async fn next(&mut self) -> Result<Option<Bytes>, BoxError> {
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
