use std::future::ready;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use super::dirhash::Dirhash;
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

    /// A stored file was found for a client. Called for every hit, on an async thread: it must be cheap and must not block.
    /// Default: nothing.
    fn hit(&self, target: &Target<'_>) {
        let _ = target;
    }

    /// Whether the check can decide about a zip that is passed on and stored nowhere, because the disk is full for example:
    /// [`Verifying::finish_stream`] decides then. If one check cannot, such a zip is refused with 503. Default: `false`.
    fn follows_stream(&self) -> bool {
        false
    }
}

impl<V: Verify + ?Sized> Verify for Arc<V> {
    fn start(&self, target: &Target<'_>) -> Box<dyn Verifying> {
        (**self).start(target)
    }

    fn hit(&self, target: &Target<'_>) {
        (**self).hit(target);
    }

    fn follows_stream(&self) -> bool {
        (**self).follows_stream()
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

    /// Waits until the check has room for more bytes. Called after each update of a file that is stored nowhere, which the
    /// check cannot read later. Default: at once.
    ///
    /// # Cancel safety
    ///
    /// It is called again after an early drop.
    fn ready(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(ready(()))
    }

    /// Decides, after the last byte. `file` is the whole file.
    ///
    /// Reads of `file` block. Read it, and do other work that takes long, on a blocking thread, for
    /// example with `tokio::task::spawn_blocking`. The caller bounds the time, and the number of large files that
    /// are checked at once by a check that cannot [follow a stream](Verify::follows_stream).
    fn finish(self: Box<Self>, file: WholeFile) -> VerifyFuture;

    /// Decides after the last byte of a zip that is stored nowhere. Only called if [`Verify::follows_stream`] says so.
    /// Default: [`Verified::Unknown`].
    #[must_use]
    fn finish_stream(self: Box<Self>, dirhash: Dirhash) -> VerifyFuture {
        let _ = dirhash;
        let reason = "the check needs the whole file".to_owned();
        Box::pin(ready(Verified::Unknown(reason)))
    }
}

/// The future of [`Verifying::finish`].
pub type VerifyFuture = Pin<Box<dyn Future<Output = Verified> + Send>>;

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verified {
    /// The file is what the target names.
    Passed,
    /// The file is wrong, with the reason for the log and for clients. It must not be stored.
    Rejected(String),
    /// The check itself failed, with the reason for the log. The file may be right or wrong.
    Unknown(String),
}
