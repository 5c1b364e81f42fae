//! Readers of one fill, each at its own pace.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt as _;
use tempfile::TempDir;
use tower_goproxy::Storage;

use crate::scene::{ATTACHED, HIT, STORED, content, fetch, in_parts, large, layer, proxy};
use crate::support::plain_source::PlainSource;
use crate::support::{
    self, Server, ask, get, large_module_zip, quiet, read, web_client, whole, within,
    within_minutes,
};

on_each_storage! {
    async fn a_reader_that_stops_holds_up_nobody_and_still_gets_every_byte(storage: Storage) {
        let (source, gate) = in_parts();
        let layer = layer(storage);
        let proxy = proxy(&layer, &source);
        let path = large(0);
        let mut stopped = ask(&proxy, get(&path)).await;
        let begin = read(stopped.body_mut(), 10_000).await.unwrap();
        let never_read = ask(&proxy, get(&path)).await;
        assert_eq!(never_read.headers()["cache-status"], ATTACHED);
        gate.open();
        fetch(&proxy, &path).await.assert_file(&path, ATTACHED);
        within(layer.fills().idle()).await;
        fetch(&proxy, &path).await.assert_file(&path, HIT);

        let rest = whole(stopped.into_body()).await.unwrap();
        assert!([begin, rest].concat() == content(&path));
        assert!(whole(never_read.into_body()).await.unwrap() == content(&path));
    }

    async fn a_late_reader_begins_at_the_first_byte(storage: Storage) {
        let (source, gate) = in_parts();
        let layer = layer(storage);
        let proxy = proxy(&layer, &source);
        let first = ask(&proxy, get(&large(0))).await;
        assert_eq!(first.headers()["cache-status"], STORED);
        for _ in 0..8 {
            gate.allow(1);
            quiet().await;
            let mut late = ask(&proxy, get(&large(0))).await;
            let begin = read(late.body_mut(), 50_000).await.unwrap();
            assert!(content(&large(0)).starts_with(&begin));
        }
        gate.open();
        assert!(whole(first.into_body()).await.unwrap() == content(&large(0)));
        layer.fills().idle().await;
    }
}

/// Its connection is full, which is what a client does that was suspended.
#[tokio::test]
async fn a_connection_that_is_not_read_holds_up_nobody() {
    let folder = TempDir::new().unwrap();
    let layer = layer(Storage::disk(folder.path()).unwrap());
    let zip = Bytes::from(large_module_zip("example.com/large", "v1.0.0", 24 << 20));
    let source = PlainSource::new(zip.clone());
    let server = Server::start(proxy(&layer, &source.service())).await;
    let url = format!("{}{}", server.url(), large(0));
    for http2 in [false, true] {
        let stopped = support::fetch(&web_client(http2), &url).await;
        assert_eq!(stopped.status(), StatusCode::OK);
        let other = support::fetch(&web_client(http2), &url).await;
        let other = within_minutes(other.into_body().collect()).await.unwrap();
        assert!(other.to_bytes() == zip);
        within_minutes(layer.fills().idle()).await;
        let stopped = within_minutes(stopped.into_body().collect()).await.unwrap();
        assert!(stopped.to_bytes() == zip);
        std::fs::remove_dir_all(folder.path().join("example.com")).unwrap();
    }
    assert_eq!(source.asked(), 2);
}
