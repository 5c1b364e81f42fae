//! How much a reader hands out before others have their turn.
//!
//! A body that is always ready keeps its thread for as long as the client takes what it gets. tokio's
//! budget ends that, after 128 steps of a task; but to be queued again often means to be moved to
//! another core, which costs one reader alone a quarter of its speed. So a step is larger
//! where there are few readers: together they hand out some 32 MiB in a round, which takes milliseconds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::task::coop;

/// How many frames all readers together hand out in a step. One reader alone hands out a block.
const FRAMES: usize = 32;
const MOST: usize = 8;

/// The readers of files of this process.
static READERS: AtomicUsize = AtomicUsize::new(0);

/// One reader's turns.
#[derive(Debug)]
pub(super) struct Turn {
    /// Frames that may still be handed out in this step.
    left: usize,
}

impl Turn {
    pub(super) fn new() -> Self {
        // The count is nothing but a hint.
        READERS.fetch_add(1, Ordering::Relaxed);
        Self { left: 0 }
    }

    /// Ready if another frame may be handed out, in this very poll or later.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.left == 0 {
            ready!(coop::poll_proceed(cx)).made_progress();
            let readers = READERS.load(Ordering::Relaxed).max(1);
            self.left = (FRAMES / readers).clamp(1, MOST);
        }
        Poll::Ready(())
    }

    /// A frame was handed out.
    pub(super) fn took_frame(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        READERS.fetch_sub(1, Ordering::Relaxed);
    }
}
