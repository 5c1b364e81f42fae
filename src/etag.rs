//! Entity tags.

use headers::ETag;
use sha2::{Digest, Sha256};

/// The strong tag of digits and dashes.
pub(crate) fn tag(digits: &str) -> ETag {
    format!("\"{digits}\"")
        .parse()
        .expect("digits between quotes are an entity tag")
}

/// The tag of a content, wherever it is kept.
pub(crate) fn of_content(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> ETag {
    let pieces = pieces.into_iter();
    let hash = pieces.fold(Sha256::new(), |hash, piece| hash.chain_update(piece));
    let hash = hash.finalize();
    tag(&hash
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>())
}
