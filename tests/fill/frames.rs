//! The frames in which a file is handed on, and those in which it came.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;

use super::fixtures::{ZIP, large_zip, proxy};
use super::support::{Answer, Framing, Source, ask, get, large_module_zip, whole};

on_each_storage! {
    /// A client that has stopped reading keeps 16 of them waiting.
    async fn a_large_part_of_a_source_or_a_storage_is_handed_on_in_small_ones(storage: Storage) {
        let source = Source::serving(ZIP, Answer::new([large_zip()]));
        let layer = FillLayer::new(storage).area(Area::Included);
        let proxy = proxy(&layer, &source);
        for from in ["fwd=miss", "hit"] {
            let response = ask(&proxy, get(ZIP)).await;
            let status = response.headers()["cache-status"].to_str().unwrap();
            assert!(status.contains(from), "{status}");
            let (mut body, mut received) = (response.into_body(), 0);
            while let Some(frame) = body.frame().await {
                let data = frame.unwrap().into_data().unwrap();
                assert!(data.len() <= 16 * 1024, "{} bytes, {from}", data.len());
                received += data.len();
            }
            assert_eq!(received, large_zip().len());
            layer.fills().idle().await;
        }
    }

    /// What is in memory is joined, else each frame would cost more than the one before.
    async fn byte_by_byte(storage: Storage) {
        let content = Bytes::from(large_module_zip("example.com/Mod", "v1.0.0", 200 << 10));
        let answer = Answer::in_parts(content.clone(), 1).framing(Framing::Chunked);
        let source = Source::serving(ZIP, answer);
        let layer = FillLayer::new(storage).area(Area::Included);
        let proxy = proxy(&layer, &source);
        let mut late = ask(&proxy, get(ZIP)).await.into_body();
        layer.fills().idle().await;
        let (mut frames, mut received) = (0, 0);
        while let Some(frame) = late.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            assert!(content[received..].starts_with(&data));
            received += data.len();
            frames += 1;
            assert!(frames <= 100, "{received} bytes came in {frames} frames");
        }
        assert_eq!(received, content.len());

        let hit = ask(&proxy, get(ZIP)).await;
        assert_eq!(hit.headers()["cache-status"], "tower-goproxy; hit");
        assert!(whole(hit.into_body()).await.unwrap() == content);
        assert_eq!(source.requests().total(), 1);
    }
}
