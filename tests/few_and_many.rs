//! How much one reader of a stored file gets at once, keeps, and may have before others: less where there are
//! many readers. All readers of the process count, so this is one test.
#![cfg(feature = "fill")]

mod support;

use std::pin::Pin;
use std::task::Poll;

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use support::{Answer, Source, SourceBody, ask, get, large_module_zip, whole};
use tower::ServiceBuilder;
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer, ResponseBody};

type Body = ResponseBody<SourceBody>;

const ZIP: &str = "/example.com/m/@v/v1.0.0.zip";
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

const BLOCK: usize = 64 * KIB;

#[tokio::test]
async fn a_reader_gets_and_keeps_less_where_there_are_many() {
    let folder = tempfile::tempdir().unwrap();
    let layer = FillLayer::new(Storage::disk(folder.path()).unwrap());
    let zip: Bytes = large_module_zip("example.com/m", "v1.0.0", 17 * MIB).into();
    let source = Source::serving(ZIP, Answer::new([zip.clone()]));
    let proxy = ServiceBuilder::new().layer(&layer).service(source);
    drop(ask(&proxy, get(ZIP)).await);
    layer.fills().idle().await;

    let mut others = Vec::new();
    // Kept are the blocks that a queue of 16 frames is about to go into.
    for (count, frame, kept, turn) in [
        (1, 12 * KIB, 3, 8 * MIB),
        (2, 12 * KIB, 3, 4 * MIB),
        (16, 12 * KIB, 3, 512 * KIB),
        (17, 8 * KIB, 2, 8 * MIB / 17),
        (200, 8 * KIB, 2, 256 * KIB),
    ] {
        while others.len() < count - 1 {
            others.push(hit(&proxy).await);
        }
        has_turns(hit(&proxy).await, turn).await;
        is_read_in_blocks_while_the_client_takes_them(hit(&proxy).await, frame).await;
        is_read_frame_by_frame_once_the_queue_is_full(hit(&proxy).await, frame, kept).await;
    }
    others.clear();
    is_read_in_blocks_while_the_client_takes_them(hit(&proxy).await, 12 * KIB).await;
    a_turn_ends_when_somebody_comes(&proxy).await;
    assert!(whole(hit(&proxy).await).await.unwrap() == zip);
}

async fn hit(proxy: &Fill<Source>) -> Body {
    ask(proxy, get(ZIP)).await.into_body()
}

/// The next frame, unless others are to have their turn first.
fn next(body: &mut Body) -> Option<Bytes> {
    let mut task = tokio_test::task::spawn(());
    task.enter(|cx, _| match Pin::new(body).poll_frame(cx) {
        Poll::Ready(frame) => Some(frame.unwrap().unwrap().into_data().unwrap()),
        Poll::Pending => None,
    })
}

/// The next frame, in whichever turn.
async fn frame(body: &mut Body) -> Bytes {
    body.frame().await.unwrap().unwrap().into_data().unwrap()
}

/// The first two. A turn ends with a frame.
async fn has_turns(mut hit: Body, turn: usize) {
    for _ in 0..2 {
        // The first frame comes in whichever turn, the others in this one.
        let mut taken = frame(&mut hit).await.len();
        while taken < turn {
            taken += next(&mut hit).expect("the turn goes on").len();
        }
        // However often it is asked: the runtime has to come round.
        assert!(next(&mut hit).is_none());
        assert!(next(&mut hit).is_none());
        tokio::task::yield_now().await;
    }
}

/// The pause comes all the same when all others are gone again.
async fn a_turn_ends_when_somebody_comes(proxy: &Fill<Source>) {
    let mut alone = hit(proxy).await;
    let mut taken = frame(&mut alone).await.len();
    while taken < 5 * MIB {
        taken += next(&mut alone).expect("the turn goes on").len();
    }
    let other = hit(proxy).await;
    assert!(next(&mut alone).is_none());
    drop(other);
    assert!(next(&mut alone).is_none());
    frame(&mut alone).await;
}

/// Each block begins where the kernel copies fastest to.
async fn is_read_in_blocks_while_the_client_takes_them(mut hit: Body, len: usize) {
    let mut last = Bytes::new();
    for _ in 0..16 {
        for (number, len) in frames_of_a_block(len).enumerate() {
            let next = frame(&mut hit).await;
            assert_eq!(next.len(), len);
            match number {
                0 => assert!(next.as_ptr().addr().is_multiple_of(64)),
                _ => assert!(is_right_behind(&next, &last)),
            }
            last = next;
        }
    }
}

/// A block would be kept for the sake of its last frame.
async fn is_read_frame_by_frame_once_the_queue_is_full(mut hit: Body, len: usize, blocks: usize) {
    let mut kept: Vec<Bytes> = Vec::new();
    for _ in 0..blocks {
        for (number, len) in frames_of_a_block(len).enumerate() {
            let next = frame(&mut hit).await;
            assert_eq!(next.len(), len);
            assert!(number == 0 || is_right_behind(&next, &kept[kept.len() - 1]));
            kept.push(next);
        }
    }
    for _ in 0..32 {
        let next = frame(&mut hit).await;
        assert_eq!(next.len(), len);
        assert!(!is_right_behind(&next, &kept[kept.len() - 1]));
        kept.push(next);
    }
}

fn frames_of_a_block(len: usize) -> impl Iterator<Item = usize> {
    let starts = (0..BLOCK).step_by(len);
    starts.map(move |start| len.min(BLOCK - start))
}

/// Both were then read at once.
fn is_right_behind(next: &Bytes, last: &Bytes) -> bool {
    last.as_ptr_range().end == next.as_ptr()
}
