use std::sync::{Arc, OnceLock};

/// The `h1:` hash of a file, as `go.sum` has it, once it is known.
///
/// Of a zip it covers the names and contents of all files in it, of a `.mod` the file. An `.info` has none.
/// [`GoModuleFiles`](super::GoModuleFiles) computes it; every later check of the same file can read it. Clones share it.
///
/// ```
/// use tower_goproxy::verify::Dirhash;
///
/// let dirhash = Dirhash::from("h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".to_owned());
/// assert!(dirhash.get().is_some_and(|hash| hash.starts_with("h1:")));
/// assert_eq!(Dirhash::default().get(), None);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Dirhash(Arc<OnceLock<String>>);

impl Dirhash {
    /// The hash, or `None` if it was not computed.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }

    /// The first one counts.
    pub(super) fn set(&self, hash: String) {
        let _ = self.0.set(hash);
    }
}

impl From<String> for Dirhash {
    fn from(hash: String) -> Self {
        let dirhash = Self::default();
        dirhash.set(hash);
        dirhash
    }
}
