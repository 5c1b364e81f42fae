//! Files that are not what was asked for: nobody gets a whole one, and none is stored.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt as _;
use tower_goproxy::Storage;
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::source::Area;

use super::fixtures::{INFO, MOD, ZIP, info, large_zip, module_file, proxy, zip};
use super::support::{
    Answer, Framing, Gate, Source, ask, get, large_module_zip, not_a_zip, truncated, whole,
    zip_with_wrong_prefix,
};

/// The first answers are wrong, later ones are right.
fn wrong_then_right(wrong: Answer, times: usize) -> Source {
    let right = |path: &str| match path {
        INFO => info(),
        MOD => module_file(),
        _ => zip(),
    };
    Source::new(move |request| {
        if request.nth < times {
            wrong.clone()
        } else {
            Answer::new([right(&request.path)])
        }
    })
}

async fn assert_rejected(storage: &Storage, path: &str, content: Bytes) {
    for framing in [Framing::Length, Framing::Chunked] {
        let wrong = Answer::in_parts(content.clone(), 100_000).framing(framing);
        assert_never_whole(storage, path, wrong, &content).await;
    }
}

/// `OnMiss::Stream` breaks the body, or says 502 where it has not begun; `OnMiss::Wait` says 502.
/// The next request asks again.
async fn assert_never_whole(storage: &Storage, path: &str, wrong: Answer, content: &[u8]) {
    let source = wrong_then_right(wrong, 2);
    let streaming = FillLayer::new(storage.clone()).area(Area::Included);
    let response = ask(&proxy(&streaming, &source), get(path)).await;
    if response.status() == StatusCode::OK {
        let mut body = response.into_body();
        let mut received = 0;
        let error = loop {
            match body.frame().await.expect("no clean end") {
                Ok(frame) => received += frame.into_data().map_or(0, |data| data.len()),
                Err(error) => break error,
            }
        };
        assert!(error.to_string().starts_with("502"), "{error}");
        assert!(received <= content.len());
        assert!(body.frame().await.is_none(), "an error is the end");
    } else {
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
    streaming.fills().idle().await;

    let waiting = FillLayer::new(storage.clone())
        .area(Area::Included)
        .on_miss(OnMiss::Wait);
    let response = ask(&proxy(&waiting, &source), get(path)).await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(
        response.headers()["content-type"],
        "text/plain; charset=utf-8"
    );
    waiting.fills().idle().await;
    assert_eq!(source.requests().total(), 2);
}

on_each_storage! {
    async fn an_info_of_another_version(storage: Storage) {
        for wrong in [r#"{"Version":"v1.0.1"}"#, "{}", "", "null", "<html>", "{\"Version\":"] {
            assert_rejected(&storage, INFO, wrong.into()).await;
        }
    }

    async fn a_go_mod_without_a_module(storage: Storage) {
        for wrong in ["", "\n", "<!doctype html>", "go 1.21\n"] {
            assert_rejected(&storage, MOD, wrong.into()).await;
        }
    }

    async fn a_zip_that_does_not_open(storage: Storage) {
        for wrong in [Vec::new(), not_a_zip(), truncated(&zip()), truncated(&large_zip())] {
            assert_rejected(&storage, ZIP, wrong.into()).await;
        }
    }

    async fn a_zip_of_another_module_or_version(storage: Storage) {
        for wrong in [
            zip_with_wrong_prefix("example.com/Mod", "v1.0.0"),
            large_module_zip("example.com/Mod", "v1.0.1", 1_100_000),
            large_module_zip("example.com/mod", "v1.0.0", 1_100_000),
            large_module_zip("example.com/!mod", "v1.0.0", 1000),
        ] {
            assert_rejected(&storage, ZIP, wrong.into()).await;
        }
    }

    async fn a_file_that_is_not_as_long_as_declared(storage: Storage) {
        for (path, content) in [(ZIP, large_zip()), (ZIP, zip()), (MOD, module_file())] {
            let short = Answer::in_parts(content.clone(), 100_000).framing(Framing::Short(1));
            assert_never_whole(&storage, path, short, &content).await;
            let declared = (content.len() - 1).to_string();
            let long = Answer::in_parts(content.clone(), 100_000)
                .framing(Framing::Chunked)
                .header("content-length", &declared);
            assert_never_whole(&storage, path, long, &content).await;
        }
    }

    async fn a_body_that_breaks_off(storage: Storage) {
        for (path, content) in [(ZIP, large_zip()), (ZIP, zip()), (MOD, module_file())] {
            // All bytes have come, but nobody has said so.
            let cut = Answer::in_parts(content.clone(), 100_000).framing(Framing::Cut);
            assert_never_whole(&storage, path, cut, &content).await;
            let short = Answer::in_parts(content.slice(..content.len() - 1), 100_000)
                .framing(Framing::Cut)
                .header("content-length", &content.len().to_string());
            assert_never_whole(&storage, path, short, &content).await;
        }
    }

    async fn a_source_that_fails_is_a_502_that_tells_nothing_about_it(storage: Storage) {
        let failing = Answer::new([""; 0]).framing(Framing::NoAnswer);
        let source = wrong_then_right(failing.clone(), 1);
        let layer = FillLayer::new(storage.clone()).area(Area::Included);
        let response = ask(&proxy(&layer, &source), get(MOD)).await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(whole(response.into_body()).await.unwrap(), "the source failed\n");
        layer.fills().idle().await;
        assert_never_whole(&storage, ZIP, failing, b"").await;
    }

    async fn a_source_that_panics_is_one_that_fails(storage: Storage) {
        let source = Source::new(|request| match request.nth {
            0 => panic!("the script panics, as it should"),
            _ => Answer::new([zip()]),
        });
        // There is one place, which must not be lost.
        let layer = FillLayer::new(storage).area(Area::Included).max_fills(1);
        let proxy = proxy(&layer, &source);
        let (one, two) = tokio::join!(ask(&proxy, get(ZIP)), ask(&proxy, get(ZIP)));
        // On disk one of them may have been looked up only after the panic of the other.
        let statuses = [one.status(), two.status()];
        assert!(statuses.contains(&StatusCode::BAD_GATEWAY));
        let others = [StatusCode::BAD_GATEWAY, StatusCode::OK];
        assert!(statuses.iter().all(|status| others.contains(status)));
        layer.fills().idle().await;
        let again = ask(&proxy, get(ZIP)).await;
        assert_eq!(whole(again.into_body()).await.unwrap(), zip());
        layer.fills().idle().await;
        assert_eq!(source.requests().total(), 2);
    }

    async fn the_next_request_gets_and_stores_the_right_file(storage: Storage) {
        let source = wrong_then_right(Answer::new([not_a_zip()]), 1);
        let layer = FillLayer::new(storage).area(Area::Included);
        let proxy = proxy(&layer, &source);
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(ask(&proxy, get(ZIP)).await.status().as_u16());
            layer.fills().idle().await;
        }
        assert_eq!(statuses, [502, 200, 200]);
        assert_eq!(source.requests().total(), 2);
    }

    async fn the_last_part_of_a_file_is_held_back_until_it_is_checked(storage: Storage) {
        let wrong = large_module_zip("example.com/Other", "v1.0.0", 1_100_000);
        let gate = Gate::closed();
        gate.allow(1);
        let answer = Answer::in_parts(wrong.clone(), 100_000).gated(&gate);
        let source = Source::serving(ZIP, answer);
        let layer = FillLayer::new(storage).area(Area::Included);
        let response = ask(&proxy(&layer, &source), get(ZIP)).await;
        assert_eq!(response.status(), StatusCode::OK);
        let mut body = response.into_body();
        gate.open();
        let mut received = 0;
        while let Ok(frame) = body.frame().await.expect("no clean end") {
            received += frame.into_data().map_or(0, |data| data.len());
        }
        assert!(received <= wrong.len() - 64 * 1024, "{received} of {}", wrong.len());
        layer.fills().idle().await;
    }
}
