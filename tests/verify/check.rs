//! What the built-in check says of a file.

use bytes::Bytes;
use tower_goproxy::Target;
use tower_goproxy::verify::{Dirhash, GoModuleFiles, Verified, Verify as _, WholeFile};

/// The hash of a right file, or why it is wrong.
pub type Verdict = Result<Option<String>, String>;

/// The file alone: nothing is seen of it before.
pub async fn whole(path: &str, content: &[u8]) -> Verdict {
    in_pieces(path, content, 0).await
}

/// The file arrives in pieces of this length first.
pub async fn in_pieces(path: &str, content: &[u8], piece: usize) -> Verdict {
    let mut check = GoModuleFiles::new().start(&target(path));
    if piece > 0 {
        for piece in content.chunks(piece) {
            check.update(&Bytes::copy_from_slice(piece));
        }
    }
    let file = WholeFile::from(Bytes::copy_from_slice(content));
    let dirhash = file.dirhash().clone();
    match check.finish(file).await {
        Verified::Passed => Ok(dirhash.get().map(str::to_owned)),
        Verified::Rejected(reason) => Err(reason),
        other => panic!("{other:?}"),
    }
}

#[allow(dead_code, reason = "another test binary uses the rest")]
/// The file arrives in pieces and is gone then. `None` if that is not enough to tell.
pub async fn streamed(path: &str, content: &[u8], piece: usize) -> Option<Verdict> {
    let mut check = GoModuleFiles::new().start(&target(path));
    for piece in content.chunks(piece) {
        check.update(&Bytes::copy_from_slice(piece));
        check.ready().await;
    }
    let dirhash = Dirhash::default();
    match check.finish_stream(dirhash.clone()).await {
        Verified::Passed => Some(Ok(dirhash.get().map(str::to_owned))),
        Verified::Rejected(reason) => Some(Err(reason)),
        _ => None,
    }
}

fn target(path: &str) -> Target<'static> {
    let target = Target::parse(path)
        .expect("a path of a proxy")
        .expect("of a module");
    target.into_owned()
}
