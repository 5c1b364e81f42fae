//! What a client that does not take its bytes keeps of the server's memory.

use http_body_util::BodyExt as _;
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;

use super::fixtures::{ZIP, large_zip, proxy};
use super::support::{Answer, Source, ask, get};

/// Of each frame of a hit but the last one, whether the next one lies right behind it: both were then read at once. Keeps
/// the newest frames, as the queue of a connection does.
async fn read_at_once(kept: usize) -> Vec<bool> {
    let folder = tempfile::tempdir().unwrap();
    let layer = FillLayer::new(Storage::disk(folder.path()).unwrap());
    let proxy = proxy(&layer, &Source::serving(ZIP, Answer::new([large_zip()])));
    ask(&proxy, get(ZIP)).await;
    layer.fills().idle().await;
    let mut hit = ask(&proxy, get(ZIP)).await.into_body();
    let mut queue = Vec::new();
    let (mut ends, mut together) = (None, Vec::new());
    while let Some(frame) = hit.frame().await {
        let frame = frame.unwrap().into_data().unwrap();
        let lies = frame.as_ptr_range();
        if let Some(end) = ends.replace(lies.end) {
            together.push(end == lies.start);
        }
        queue.push(frame);
        if queue.len() > kept {
            queue.remove(0);
        }
    }
    together
}

#[tokio::test]
async fn who_takes_its_bytes_has_them_read_in_blocks() {
    let together = read_at_once(1).await;
    let count = together.iter().filter(|together| **together).count();
    assert!(count > together.len() * 3 / 4, "{together:?}");
}

/// A block would be kept for the sake of its last frame.
#[tokio::test]
async fn who_leaves_them_has_them_read_frame_by_frame_after_two_blocks() {
    let together = read_at_once(usize::MAX).await;
    let (blocks, rest) = together.split_at(15);
    assert_eq!(blocks.iter().filter(|together| **together).count(), 14);
    assert!(!rest.contains(&true), "{together:?}");
}
