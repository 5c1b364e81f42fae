use tokio_util::task::TaskTracker;

/// A view of the fills that a [`FillLayer`](super::FillLayer) runs: how many, and when there are
/// none. For a graceful shutdown, and for tests.
///
/// A fill outlives the client that started it, so a server whose connections are all closed may
/// still be filling.
///
/// ```
/// use tower_goproxy::Storage;
/// use tower_goproxy::fill::FillLayer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let layer = FillLayer::new(Storage::memory());
/// let fills = layer.fills();
/// // ... serve, until the server has been told to stop, and then:
/// fills.idle().await;
/// assert_eq!(fills.running(), 0);
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Fills(pub(super) TaskTracker);

impl Fills {
    /// How many fills there are, those that wait for a slot included.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.len()
    }

    /// Returns once no fill is running: at once, if that is so now.
    ///
    /// Does not keep new fills from starting; stop accepting requests first.
    ///
    /// # Cancel safety
    ///
    /// Only waits, so it can be dropped at any time, for example by a time limit around it.
    pub async fn idle(&self) {
        self.0.wait().await;
    }
}
