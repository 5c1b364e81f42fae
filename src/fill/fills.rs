use std::sync::Arc;

/// The fills that a [`FillLayer`](super::FillLayer) runs: how many there are, when there are none, and how to end them.
/// For a graceful shutdown, and for tests.
///
/// A fill outlives the client that started it, so a server whose connections are all closed may
/// still be filling.
///
/// ```
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
pub struct Fills(pub(super) Arc<super::table::Table>);

impl Fills {
    /// How many fills there are, those that wait for a slot included.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.count.len()
    }

    /// Returns once no fill is running: at once, if that is so now.
    ///
    /// Does not keep new fills from starting; stop accepting requests first.
    ///
    /// # Cancel safety
    ///
    /// Only waits, so it can be dropped at any time, for example by a time limit around it.
    pub async fn idle(&self) {
        self.0.count.wait().await;
    }

    /// Ends every fill: those that run, that wait for a slot, and that start later. What they have fetched is discarded,
    /// and their clients get an error. Files that are stored already are still served.
    ///
    /// Returns at once; [`idle`](Self::idle) returns when the files of the fills are gone.
    pub fn abort(&self) {
        self.0.aborted.cancel();
    }
}
