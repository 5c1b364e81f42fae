//! A zip: what is found while it arrives is what is found in the whole file. The first byte says in which pieces it arrives.

use bytes::Bytes;
use tokio::runtime::{Builder, Runtime};
use tower_goproxy::Target;
use tower_goproxy::verify::{Dirhash, GoModuleFiles, Verified, Verify as _, WholeFile};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().build().unwrap();
}

/// Enough for a thread to begin, and not the beginning of a zip: after it only the whole file counts.
static OTHER: [u8; 64 * 1024] = [0; 64 * 1024];

pub fn run(data: &[u8]) {
    let Some((piece, zip)) = data.split_first() else {
        return;
    };
    let piece = usize::from(*piece) + 1;
    let zip = Bytes::copy_from_slice(zip);
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let whole = whole(&zip).await;
            if let Some(streamed) = streamed(&zip, piece).await {
                assert_eq!(streamed, whole);
            }
        });
    });
}

/// The `h1:` hash of a zip that passes.
async fn whole(zip: &Bytes) -> Option<String> {
    let file = WholeFile::from(zip.clone());
    let dirhash = file.dirhash().clone();
    let mut check = GoModuleFiles::new().start(&target());
    check.update(&Bytes::from_static(&OTHER));
    match check.finish(file).await {
        Verified::Passed => Some(dirhash.get().expect("it has one").to_owned()),
        Verified::Rejected(_) => None,
        other => panic!("{other:?}"),
    }
}

/// The same while it arrives, or `None` where that is not enough to tell.
async fn streamed(zip: &Bytes, piece: usize) -> Option<Option<String>> {
    let dirhash = Dirhash::default();
    let mut check = GoModuleFiles::new().start(&target());
    for start in (0..zip.len()).step_by(piece) {
        check.update(&zip.slice(start..zip.len().min(start + piece)));
        check.ready().await;
    }
    match check.finish_stream(dirhash.clone()).await {
        Verified::Passed => Some(Some(dirhash.get().expect("it has one").to_owned())),
        Verified::Rejected(_) => Some(None),
        _ => None,
    }
}

fn target() -> Target<'static> {
    Target::parse("/example.com/m/@v/v1.0.0.zip")
        .unwrap()
        .unwrap()
}
