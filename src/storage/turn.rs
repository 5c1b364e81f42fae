//! How much a reader hands out before others have their turn: less where there are many.
//!
//! A body that is always ready keeps its thread for as long as the client takes what it gets. tokio's budget
//! ends that after 128 steps of a task, but whenever a task gives way, tokio also wakes another worker in case there
//! is more to do. Where there is not, that worker gets into the way of a client on the same machine, and may go on with the
//! very same task on the client's core. So a turn is counted in bytes, and all readers together take some milliseconds.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker, ready};

use tokio::task::yield_now;

/// What all readers hand out in a round, and what one of them does at least.
const ROUND: usize = 8 * 1024 * 1024;
const LEAST: usize = 256 * 1024;

/// The readers of files of this process.
static READERS: AtomicUsize = AtomicUsize::new(0);

/// One reader's turns.
#[derive(Debug)]
pub(super) struct Turn {
    /// Bytes handed out in this turn.
    taken: usize,
    /// Set between two turns.
    pause: Option<Pause>,
}

/// Others have their turn until the runtime has come round.
#[derive(Clone, Debug, Default)]
struct Pause {
    is_over: Arc<AtomicBool>,
}

/// Ends a pause, and wakes who waits for that.
struct End {
    pause: Pause,
    task: Waker,
}

impl Turn {
    pub(super) fn new() -> Self {
        // The count is nothing but a hint.
        READERS.fetch_add(1, Ordering::Relaxed);
        Self {
            taken: 0,
            pause: None,
        }
    }

    /// Ready if another frame may be handed out, in this very poll or later.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pause.is_some() || self.taken >= most(readers()) {
            ready!(self.pause.get_or_insert_default().poll(cx));
            self.pause = None;
            self.taken = 0;
        }
        Poll::Ready(())
    }

    /// A frame was handed out.
    pub(super) fn took(&mut self, len: usize) {
        self.taken += len;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        READERS.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pause {
    /// hyper polls a body again at once when it has sent what it had of it, so to be pending one time is no pause.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_over.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        let end = Arc::new(End {
            pause: self.clone(),
            task: cx.waker().clone(),
        });
        pin!(yield_now()).poll(&mut Context::from_waker(&end.into()))
    }
}

impl Wake for End {
    fn wake(self: Arc<Self>) {
        self.pause.is_over.store(true, Ordering::Relaxed);
        self.task.wake_by_ref();
    }
}

/// How many files are read at the moment, also by clients that have stopped.
pub(super) fn readers() -> usize {
    READERS.load(Ordering::Relaxed)
}

/// How long a turn is, in bytes.
fn most(readers: usize) -> usize {
    (ROUND / readers.max(1)).max(LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_shorter_where_there_are_many_readers_but_not_ever_shorter() {
        let turns = [1, 2, 16, 32, 33, 100_000].map(|readers| most(readers) / 1024);
        assert_eq!(turns, [8192, 4096, 512, 256, 256, 256]);
    }
}
