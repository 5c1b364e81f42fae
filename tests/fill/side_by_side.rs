//! Readers of one fill at the same place of it, who share what has been read for them.

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::BodyExt as _;
use tower_goproxy::Storage;
use tower_goproxy::fill::{FillLayer, ResponseBody};

use super::fixtures::{ZIP, large_zip, proxy};
use super::support::{Answer, Gate, Source, SourceBody, ask, request, whole};

type Body = ResponseBody<SourceBody>;

const BLOCK: usize = 64 * 1024;
const FRAME: usize = 8 * 1024;

async fn frame(body: &mut Body) -> Bytes {
    let frame = body.frame().await.expect("there is more").unwrap();
    frame.into_data().unwrap()
}

/// What the answers are to these ranges of one fill, which has gone on to its end before anybody reads.
async fn answers(storage: Storage, ranges: &[&str]) -> Vec<Response<Body>> {
    let gate = Gate::closed();
    let answer = Answer::in_parts(large_zip(), 100_000).gated(&gate);
    let source = Source::serving(ZIP, answer);
    let layer = FillLayer::new(storage);
    let proxy = proxy(&layer, &source);
    let mut answers = Vec::new();
    for range in ranges {
        let asked = request(Method::GET, ZIP, &[("range", *range)]);
        answers.push(ask(&proxy, asked).await);
    }
    gate.open();
    layer.fills().idle().await;
    assert_eq!(source.requests().total(), 1);
    answers
}

/// Two that read the whole file, frame for frame.
async fn have_the_same(answers: Vec<Response<Body>>, mut take: impl FnMut([Bytes; 2])) {
    let mut bodies: Vec<_> = answers.into_iter().map(Response::into_body).collect();
    let mut received = 0;
    while received < 10 * BLOCK {
        let frames = [frame(&mut bodies[0]).await, frame(&mut bodies[1]).await];
        assert!(large_zip()[received..].starts_with(&frames[0]));
        assert_eq!(frames[0].as_ptr(), frames[1].as_ptr(), "at {received}");
        assert_eq!(frames[0].len(), frames[1].len());
        received += frames[0].len();
        take(frames);
    }
}

on_each_storage! {
    async fn they_have_the_same_bytes_and_not_two_copies(storage: Storage) {
        let answers = answers(storage, &["bytes=0-", "bytes=0-"]).await;
        have_the_same(answers, drop).await;
    }

    async fn also_where_they_keep_much_of_what_they_get(storage: Storage) {
        let answers = answers(storage, &["bytes=0-", "bytes=0-"]).await;
        let mut kept = Vec::new();
        have_the_same(answers, |frames| kept.push(frames)).await;
    }

    /// A block would be kept for the sake of its last frame, also one that another client has.
    async fn who_keeps_much_gets_single_frames(storage: Storage) {
        let answers = answers(storage, &["bytes=0-", "bytes=0-"]).await;
        let mut bodies: Vec<_> = answers.into_iter().map(Response::into_body).collect();
        let (mut kept, mut received) = (Vec::<Bytes>::new(), 0);
        while received < 10 * BLOCK {
            let _other = frame(&mut bodies[1]).await;
            let next = frame(&mut bodies[0]).await;
            assert_eq!(next.len(), FRAME);
            if received > 2 * BLOCK {
                let last = kept[kept.len() - 1].as_ptr_range();
                assert_ne!(next.as_ptr(), last.end, "at {received}");
            }
            received += next.len();
            kept.push(next);
        }
    }

    /// Also where somebody has a smaller part in between.
    async fn who_begins_later_has_what_another_one_has(storage: Storage) {
        let answers = answers(storage, &["bytes=5-99", "bytes=0-", "bytes=1000-"]).await;
        let mut bodies: Vec<_> = answers.into_iter().map(Response::into_body).collect();
        let _part = frame(&mut bodies[0]).await;
        let before = frame(&mut bodies[1]).await;
        let later = frame(&mut bodies[2]).await;
        assert_eq!(later.as_ptr(), before[1_000..].as_ptr());
    }

    async fn who_came_by_another_way_has_the_same_bytes_from_the_next_block_on(storage: Storage) {
        let answers = answers(storage, &["bytes=5-", "bytes=0-"]).await;
        let mut bodies: Vec<_> = answers.into_iter().map(Response::into_body).collect();
        for (body, start) in bodies.iter_mut().zip([5, 0]) {
            let mut received = start;
            while received < BLOCK {
                received += frame(body).await.len();
            }
            assert_eq!(received, BLOCK);
        }
        let one = frame(&mut bodies[0]).await;
        assert_eq!(one.as_ptr(), frame(&mut bodies[1]).await.as_ptr());
    }

    /// One that has stopped in the middle of a block leaves the others what they have asked for.
    async fn each_gets_its_own_part(storage: Storage) {
        let ranges = ["bytes=0-", "bytes=1000-69999", "bytes=5-99", "bytes=65535-65536", "bytes=40000-"];
        let answers = answers(storage, &ranges).await;
        let parts = [0..large_zip().len(), 1_000..70_000, 5..100, 65_535..65_537, 40_000..large_zip().len()];
        let mut held = Vec::new();
        let mut bodies = Vec::new();
        for (response, part) in answers.into_iter().zip(&parts) {
            assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
            let mut body = response.into_body();
            let start = frame(&mut body).await;
            assert!(large_zip()[part.clone()].starts_with(&start));
            held.push(start);
            bodies.push(body);
        }
        for ((body, part), start) in bodies.into_iter().zip(parts).zip(&held) {
            let rest = whole(body).await.unwrap();
            assert!(rest == large_zip()[part.start + start.len()..part.end], "{part:?}");
        }
    }
}
