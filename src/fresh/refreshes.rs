use tokio_util::task::TaskTracker;

/// A view of what a [`FreshLayer`](super::FreshLayer) does behind its answers: questions to the source, records, files that
/// complete a version. For a graceful shutdown, and for tests.
///
/// ```
/// use tower_goproxy::Storage;
/// use tower_goproxy::fresh::FreshLayer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let layer = FreshLayer::new(Storage::memory());
/// let refreshes = layer.refreshes();
/// // ... serve, until the server has been told to stop, and then:
/// refreshes.idle().await;
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Refreshes(pub(super) TaskTracker);

impl Refreshes {
    /// How many tasks there are.
    #[must_use]
    pub fn running(&self) -> usize {
        self.0.len()
    }

    /// Returns once none is running: at once, if that is so now. Files that are being fetched are fills of the `FillLayer`:
    /// await these after it.
    ///
    /// # Cancel safety
    ///
    /// Only waits.
    pub async fn idle(&self) {
        self.0.wait().await;
    }
}
