use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use super::whole_file::WholeFile;
use crate::target::Target;

/// A check of every file before it is stored.
///
/// See the [module documentation](super) for an example.
pub trait Verify: Send + Sync + 'static {
    /// Starts the check of one file, when its first byte is about to arrive.
    ///
    /// `target` is an `.info`, a `.mod` or a `.zip` of a version.
    fn start(&self, target: &Target<'_>) -> Box<dyn Verifying>;
}

impl<V: Verify + ?Sized> Verify for Arc<V> {
    fn start(&self, target: &Target<'_>) -> Box<dyn Verifying> {
        (**self).start(target)
    }
}

/// The running check of one file.
///
/// It is dropped without [`finish`](Self::finish) if the file does not arrive completely.
pub trait Verifying: Send {
    /// Takes the next bytes of the file. Each byte comes once, in order.
    ///
    /// This runs on an async thread for every piece of the file: it must not block, and the fill
    /// waits for it.
    fn update(&mut self, bytes: &Bytes);

    /// Decides, after the last byte. `file` is the whole file.
    ///
    /// Reads of `file` block. Read it, and do other work that takes long, on a blocking thread, for
    /// example with `tokio::task::spawn_blocking`. The caller bounds the time and the number of
    /// concurrent checks.
    fn finish(self: Box<Self>, file: WholeFile) -> VerifyFuture;
}

/// The future of [`Verifying::finish`].
pub type VerifyFuture = Pin<Box<dyn Future<Output = Verified> + Send>>;

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verified {
    /// The file is what the target names.
    Passed,
    /// The file is wrong, with the reason for the log. It must not be stored.
    Rejected(String),
    /// The check itself failed, with the reason for the log. The file may be right or wrong.
    Unknown(String),
}
