//! How much a reader hands out at once, and before others have their turn: less where there are many.
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

use super::block::BLOCK;

/// What one of many readers hands out at once. hyper queues at most 16 frames of a connection that writes
/// vectored, so a client that has stopped reading costs about 128 KiB.
pub(crate) const FRAME: usize = 8 * 1024;

/// What one of few does. Larger writes cost less, and wake the client less often.
const FRAME_OF_FEW: usize = 16 * 1024;
const FEW: usize = 16;

/// What all readers hand out in a round, and what one of them does at least.
const ROUND: usize = 8 * 1024 * 1024;
const LEAST: usize = 256 * 1024;

/// The readers of files of this process.
static READERS: AtomicUsize = AtomicUsize::new(0);

/// One that counts, for as long as somebody has something of it.
#[derive(Debug)]
pub(super) struct Reader(());

impl Reader {
    pub(super) fn new() -> Self {
        // The count is nothing but a hint.
        READERS.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        READERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One reader's turns.
#[derive(Debug, Default)]
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
    /// How large the next frame may be.
    pub(super) fn frame(&self) -> usize {
        match readers() {
            1 => BLOCK,
            2..=FEW => FRAME_OF_FEW,
            _ => FRAME,
        }
    }

    /// Ready if another frame may be handed out, in this very poll or later.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pause.is_some() || self.taken >= most() {
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

fn readers() -> usize {
    READERS.load(Ordering::Relaxed).max(1)
}

/// How long a turn is at the moment.
fn most() -> usize {
    (ROUND / readers()).max(LEAST)
}
