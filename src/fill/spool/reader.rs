use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::body::SpoolBody;
use super::failure::Failure;
use super::state::{Phase, Slot, Spool};

/// One who wants the file. While it lives, the fill knows of it; dropped, it has left.
#[derive(Debug)]
pub(in crate::fill) struct Reader {
    pub(super) spool: Arc<Spool>,
    pub(super) slot: usize,
}

/// How far a fill has to be before a client gets its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::fill) enum Until {
    /// The first bytes may be shown. Of a small file these are all, so that it is checked by then.
    Begun,
    /// All bytes are there and they are right.
    Checked,
    /// They are also stored, or it is known that they will not be.
    Settled,
}

/// What there is to answer with.
#[derive(Debug)]
pub(in crate::fill) enum Start {
    /// The file, with its length as far as it is known.
    File { len: Option<u64> },
    /// No file.
    Failed(Failure),
    /// An answer that is not shared: ask for yourself.
    Alone,
    /// The file can only be had unchecked, and was asked for checked.
    Unchecked,
}

impl Reader {
    /// `None` if the fill has failed, or cannot give a new reader its first bytes any more.
    pub(in crate::fill) fn join(spool: &Arc<Spool>) -> Option<Self> {
        let slot = spool.with(|state| {
            state
                .is_joinable()
                .then(|| state.readers.insert(Slot::default()))
        })?;
        let spool = Arc::clone(spool);
        Some(Self { spool, slot })
    }

    /// Goes away and wants the fill to go on all the same.
    pub(in crate::fill) fn leave_running(self) {
        self.spool.with(|state| state.detached = !state.lossy);
    }

    /// # Cancel safety
    ///
    /// Waits only; can be asked again, and for something later.
    pub(in crate::fill) async fn start(&mut self, until: Until) -> Start {
        poll_fn(|cx| self.poll_start(cx, until)).await
    }

    fn poll_start(&self, cx: &Context<'_>, until: Until) -> Poll<Start> {
        self.spool.with(|state| {
            let ready = match &state.phase {
                Phase::Failed(failure) => return Poll::Ready(Start::Failed(failure.clone())),
                Phase::Alone => return Poll::Ready(Start::Alone),
                Phase::Asking => false,
                Phase::Filling if until == Until::Begun => state.has_begun(),
                // The writer would wait for this reader, and this reader for the writer.
                Phase::Filling if state.lossy => return Poll::Ready(Start::Unchecked),
                Phase::Filling => false,
                Phase::Checked => until != Until::Settled,
                Phase::Settled => true,
            };
            if ready {
                return Poll::Ready(Start::File { len: state.len });
            }
            state.wait_as_reader(self.slot, cx);
            Poll::Pending
        })
    }

    /// The bytes from `start` up to `end`, or up to wherever the file ends.
    pub(in crate::fill) fn into_body(self, start: u64, end: Option<u64>) -> SpoolBody {
        SpoolBody::new(self, start, end)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.spool.with(|state| {
            state.readers.remove(self.slot);
            state.wake_writer();
        });
    }
}
