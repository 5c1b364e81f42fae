use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What a service does beside its responses: the fills of a `FillLayer`, the requests and records of a `FreshLayer`, the runs
/// of the go command of a `GoGet`. How many there are, when there are none, and how to end them. For a graceful shutdown, and
/// for tests.
///
/// A fill outlives the client that started it, so a server whose connections are all closed may still be filling. A run
/// that nobody waits for any more is killed; it counts until its processes are gone.
///
#[cfg_attr(feature = "fill", doc = "```")]
#[cfg_attr(not(feature = "fill"), doc = "```ignore")]
/// use std::time::Duration;
///
/// use tower_goproxy::Storage;
/// use tower_goproxy::fill::FillLayer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let layer = FillLayer::new(Storage::memory());
/// let fills = layer.fills();
/// // ... serve, until the server has been told to stop, and then:
/// if tokio::time::timeout(Duration::from_secs(30), fills.idle()).await.is_err() {
///     fills.abort();
///     fills.idle().await;
/// }
/// assert_eq!(fills.running(), 0);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    /// Ends all tasks, those that start later too.
    pub(crate) aborted: CancellationToken,
    /// Ends fills that receive too little, those that start later too.
    #[cfg(feature = "fill")]
    pub(crate) slow_aborted: CancellationToken,
}

impl Tasks {
    pub(crate) fn new() -> Self {
        let tracker = TaskTracker::new();
        // Else nobody could wait until it is empty. It takes further tasks all the same.
        tracker.close();
        Self {
            tracker,
            aborted: CancellationToken::new(),
            #[cfg(feature = "fill")]
            slow_aborted: CancellationToken::new(),
        }
    }

    /// Counts as a task.
    #[cfg(feature = "fill")]
    pub(crate) fn token(&self) -> tokio_util::task::task_tracker::TaskTrackerToken {
        self.tracker.token()
    }

    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> tokio::task::JoinHandle<T> {
        self.tracker.spawn(crate::span::in_current_span(task))
    }

    /// How many there are, those that wait for a slot included.
    #[must_use]
    pub fn running(&self) -> usize {
        self.tracker.len()
    }

    /// Returns once nothing is running: at once, if that is so now.
    ///
    /// Does not keep new ones from starting; stop accepting requests first.
    ///
    /// # Cancel safety
    ///
    /// Only waits, so it can be dropped at any time, for example by a time limit around it.
    pub async fn idle(&self) {
        self.tracker.wait().await;
    }

    /// Ends all of them: those that run, that wait for a slot, and that start later. What they have fetched is discarded,
    /// and their clients get an error. Files that are stored already are still served.
    ///
    /// Returns at once; [`idle`](Self::idle) returns when the processes and the files are gone.
    pub fn abort(&self) {
        self.aborted.cancel();
    }

    /// From now on, ends each fill that receives less than
    /// [`min_rate`](crate::fill::FillLayer::min_rate) over 5 seconds. This includes fills that wait for a slot or for the
    /// source, and fills that start later. Everything else goes on.
    ///
    /// For a server that shuts down and whose clients have all disconnected: a fast fill still finishes, and a slow one does
    /// not delay the end. Returns at once; await [`idle`](Self::idle) after it.
    ///
    /// ```
    /// # use tower_goproxy::Storage;
    /// # use tower_goproxy::fill::FillLayer;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let fills = FillLayer::new(Storage::memory()).fills();
    /// // ... the last connection has closed:
    /// fills.abort_slow();
    /// fills.idle().await;
    /// # }
    /// ```
    #[cfg(feature = "fill")]
    pub fn abort_slow(&self) {
        self.slow_aborted.cancel();
    }
}
