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

/// As many frames wait in the queue of a connection.
const QUEUE: usize = 16;

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
    for (count, frame, turn) in [
        (1, 64 * KIB, 8 * MIB),
        (2, 16 * KIB, 4 * MIB),
        (16, 16 * KIB, 512 * KIB),
        (17, 8 * KIB, 8 * MIB / 17),
        (200, 8 * KIB, 256 * KIB),
    ] {
        while others.len() < count - 1 {
            others.push(hit(&proxy).await);
        }
        has_turns(hit(&proxy).await, frame, turn).await;
        is_read_in_blocks_while_the_client_takes_them(hit(&proxy).await, frame).await;
        is_read_frame_by_frame_once_the_queue_is_full(hit(&proxy).await, frame).await;
    }
    others.clear();
    a_turn_ends_when_somebody_comes(&proxy).await;
    one_counts_until_its_bytes_are_gone(&proxy).await;
    has_turns(hit(&proxy).await, 64 * KIB, 8 * MIB).await;
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
async fn has_turns(mut hit: Body, len: usize, turn: usize) {
    for _ in 0..2 {
        for _ in 0..turn.div_ceil(len) {
            assert_eq!(frame(&mut hit).await.len(), len);
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
    for _ in 0..5 * MIB / BLOCK {
        frame(&mut alone).await;
    }
    let other = hit(proxy).await;
    assert!(next(&mut alone).is_none());
    drop(other);
    assert!(next(&mut alone).is_none());
    frame(&mut alone).await;
}

/// Else any number of clients that have stopped reading could keep as much as one alone.
async fn one_counts_until_its_bytes_are_gone(proxy: &Fill<Source>) {
    let kept = frame(&mut hit(proxy).await).await;
    let mut second = hit(proxy).await;
    assert_eq!(frame(&mut second).await.len(), 16 * KIB);
    drop(kept);
    assert_eq!(frame(&mut second).await.len(), 48 * KIB);
}

async fn is_read_in_blocks_while_the_client_takes_them(mut hit: Body, len: usize) {
    let mut last = frame(&mut hit).await;
    for count in 1..4 * QUEUE {
        let next = frame(&mut hit).await;
        match count * len % BLOCK {
            // Where the kernel copies fastest to.
            0 => assert!(next.as_ptr().addr().is_multiple_of(64)),
            _ => assert!(is_right_behind(&next, &last), "frame {count} of {len}"),
        }
        last = next;
    }
}

/// A block would be kept for the sake of its last frame.
async fn is_read_frame_by_frame_once_the_queue_is_full(mut hit: Body, len: usize) {
    let mut kept = vec![frame(&mut hit).await];
    for count in 1..4 * QUEUE {
        let next = frame(&mut hit).await;
        let of_a_block = count < QUEUE && !(count * len).is_multiple_of(BLOCK);
        let is_right_behind = is_right_behind(&next, &kept[count - 1]);
        assert_eq!(is_right_behind, of_a_block, "frame {count} of {len}");
        kept.push(next);
    }
}

/// Both were then read at once.
fn is_right_behind(next: &Bytes, last: &Bytes) -> bool {
    last.as_ptr_range().end == next.as_ptr()
}
