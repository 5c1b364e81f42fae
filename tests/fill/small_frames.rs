//! A source that sends its file in the smallest of frames.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tower_goproxy::fill::FillLayer;

use super::fixtures::{ZIP, proxy};
use super::support::{Answer, Framing, Source, ask, get, large_module_zip, whole};

on_each_storage! {
    /// What is in memory is joined, else each frame would cost more than the one before.
    async fn byte_by_byte(storage: Storage) {
        let content = Bytes::from(large_module_zip("example.com/Mod", "v1.0.0", 200 << 10));
        let answer = Answer::in_parts(content.clone(), 1).framing(Framing::Chunked);
        let source = Source::serving(ZIP, answer);
        let layer = FillLayer::new(storage);
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
