//! Parts of files: of stored ones, and of those that are being filled.

use http::Method;
use tower_goproxy::Storage;

use crate::scene::{
    ATTACHED, Got, HIT, STORED, content, fetch, in_parts, large, layer, mod_file, proxy, registry,
    send,
};
use crate::support::faulty_store::FaultyStore;
use crate::support::{
    Answer, Framing, Gate, HeldStore, Recorded, Source, ask, get, read, request, whole, within,
};

/// What is wanted of a file of more than a million bytes, and which bytes that are; `None` is all of them.
fn ranges(len: usize) -> Vec<(String, Option<std::ops::Range<usize>>)> {
    let plain = |text: &str, range| (text.to_owned(), range);
    vec![
        plain("bytes=0-9", Some(0..10)),
        plain("bytes=0-0", Some(0..1)),
        plain("bytes=100000-799999", Some(100_000..800_000)),
        plain("bytes=1000000-", Some(1_000_000..len)),
        plain("bytes=5-99999999", Some(5..len)),
        plain("bytes=-500", Some(len - 500..len)),
        plain("bytes=-99999999", Some(0..len)),
        (format!("bytes={}-", len - 1), Some(len - 1..len)),
        // Several, or what is no range: the whole is always right.
        plain("bytes=0-9,20-29", None),
        plain("bytes=9-5", None),
        plain("bytes=", None),
        plain("bytes=a-b", None),
        plain("lines=1-2", None),
    ]
}

fn assert_part(got: &Got, file: &[u8], case: &str, range: Option<std::ops::Range<usize>>) {
    let body = got.body.as_ref().expect("it is whole");
    let Some(range) = range else {
        assert_eq!(got.status, 200, "{case}");
        assert!(*body == file, "{case}");
        return;
    };
    assert_eq!(got.status, 206, "{case}");
    let named = format!("bytes {}-{}/{}", range.start, range.end - 1, file.len());
    assert_eq!(got.header("content-range"), named, "{case}");
    assert_eq!(
        got.header("content-length"),
        range.len().to_string(),
        "{case}"
    );
    assert!(*body == file[range], "{case}");
}

on_each_storage! {
    /// It arrives whole also where the file turns out to be wrong.
    async fn of_a_file_that_is_not_checked_yet_is_kept_by_no_cache(storage: Storage) {
        let (source, gate) = in_parts();
        let layer = layer(storage);
        let proxy = proxy(&layer, &source);
        let part = || request(Method::GET, &large(0), &[("range", "bytes=0-9")]);
        let running = ask(&proxy, part()).await;
        assert_eq!(running.status(), 206);
        assert_eq!(running.headers()["cache-control"], "no-store");
        gate.open();
        within(layer.fills().idle()).await;
        let stored = ask(&proxy, part()).await;
        assert_eq!(stored.status(), 206);
        assert_eq!(stored.headers()["cache-control"], "public, max-age=31536000, immutable");
    }

    async fn of_a_stored_file(storage: Storage) {
        let layer = layer(storage);
        let proxy = proxy(&layer, &registry());
        fetch(&proxy, &large(0)).await.assert_file(&large(0), STORED);
        within(layer.fills().idle()).await;
        let file = content(&large(0));
        for (text, range) in ranges(file.len()) {
            let request = request(Method::GET, &large(0), &[("range", &text)]);
            let got = send(&proxy, request).await;
            assert_eq!(got.cache_status(), HIT, "{text}");
            assert_part(&got, &file, &text, range);
        }
        // Written in another way, it is that range or the whole.
        for text in ["bytes= 5-9", "bytes=5 - 9", "bytes=+5-9", "BYTES=5-9", "bytes=05-09", "bytes=5-9 "] {
            let request = request(Method::GET, &large(0), &[("range", text)]);
            let got = send(&proxy, request).await;
            let range = (got.status == 206).then_some(5..10);
            assert_part(&got, &file, text, range);
        }
        for text in [&*format!("bytes={}-", file.len()), "bytes=99999999-", "bytes=-0"] {
            let request = request(Method::GET, &large(0), &[("range", text)]);
            let got = send(&proxy, request).await;
            got.assert_status(416);
            assert_eq!(got.header("content-range"), format!("bytes */{}", file.len()));
        }
        // A range that the client has of another file.
        let other = [("range", "bytes=5-9"), ("if-range", "\"other\"")];
        let got = send(&proxy, request(Method::GET, &large(0), &other)).await;
        got.assert_file(&large(0), HIT);
    }

    async fn of_a_running_fill_as_soon_as_the_bytes_are_there(storage: Storage) {
        let gate = Gate::closed();
        let held = gate.clone();
        let source = Source::new(move |request: &Recorded| {
            Answer::in_parts(content(&request.path), 100_000).gated(&held)
        });
        let layer = layer(storage);
        let proxy = proxy(&layer, &source);
        let first = ask(&proxy, get(&large(0))).await;
        gate.allow(4);
        let part = request(Method::GET, &large(0), &[("range", "bytes=200000-299999")]);
        let got = within(send(&proxy, part)).await;
        assert_eq!(got.cache_status(), ATTACHED);
        assert_part(&got, &content(&large(0)), "a running fill", Some(200_000..300_000));
        let far = request(Method::GET, &large(0), &[("range", "bytes=99999999-")]);
        send(&proxy, far).await.assert_status(416);
        gate.open();
        assert!(whole(first.into_body()).await.unwrap() == content(&large(0)));
        layer.fills().idle().await;
    }

    /// It is ignored, so that nobody waits for the end to learn the length.
    async fn of_a_running_fill_whose_length_is_not_known(storage: Storage) {
        let gate = Gate::closed();
        let held = gate.clone();
        let source = Source::new(move |request: &Recorded| {
            let answer = Answer::in_parts(content(&request.path), 100_000);
            answer.gated(&held).framing(Framing::Chunked)
        });
        let layer = layer(storage);
        let proxy = proxy(&layer, &source);
        for range in ["bytes=5-9", "bytes=-5"] {
            let request = request(Method::GET, &large(0), &[("range", range)]);
            let mut part = within(ask(&proxy, request)).await;
            let begin = within(read(part.body_mut(), 50_000)).await.unwrap();
            assert_eq!(gate.sent_so_far(), 1, "the rest has not come yet");
            let is_begin = content(&large(0)).starts_with(&begin);
            assert!(part.status() == 200 && is_begin, "{range}");
        }
        gate.open();
        within(layer.fills().idle()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_part_of_a_stored_object_is_one_request_to_the_store() {
    let store = HeldStore::new();
    let layer = layer(Storage::new(store.clone()));
    let proxy = proxy(&layer, &registry());
    fetch(&proxy, &large(0))
        .await
        .assert_file(&large(0), STORED);
    within(layer.fills().idle()).await;
    for (text, range) in ranges(content(&large(0)).len()) {
        let before = store.lookups();
        let request = request(Method::GET, &large(0), &[("range", &text)]);
        let got = send(&proxy, request).await;
        assert_part(&got, &content(&large(0)), &text, range);
        assert_eq!(store.lookups() - before, 1, "{text}");
    }
    for (method, headers) in [
        (Method::GET, &[][..]),
        (Method::HEAD, &[]),
        (Method::HEAD, &[("range", "bytes=5-9")]),
        (Method::GET, &[("if-none-match", "*")]),
        (
            Method::GET,
            &[("if-none-match", "*"), ("range", "bytes=5-9")],
        ),
    ] {
        let before = store.lookups();
        let got = send(&proxy, request(method, &large(0), headers)).await;
        assert_eq!(got.cache_status(), HIT);
        assert_eq!(store.lookups() - before, 1, "{headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_small_file_that_is_in_memory_is_no_request_at_all() {
    let store = HeldStore::new();
    let layer = layer(Storage::new(store.clone()));
    let proxy = proxy(&layer, &registry());
    for _ in 0..2 {
        fetch(&proxy, &mod_file(0)).await.assert_status(200);
        within(layer.fills().idle()).await;
    }
    let before = store.lookups();
    for headers in [
        &[][..],
        &[("range", "bytes=3-9")],
        &[("if-none-match", "*")],
    ] {
        for method in [Method::GET, Method::HEAD] {
            let got = send(&proxy, request(method, &mod_file(0), headers)).await;
            assert_eq!(got.cache_status(), HIT);
        }
    }
    assert_eq!(store.lookups(), before);
}

/// Stores have no common answer to that.
#[tokio::test(start_paused = true)]
async fn the_last_0_bytes_of_a_stored_file_are_not_there() {
    let layer = layer(Storage::new(FaultyStore::sound()).max_memory(0));
    let source = registry();
    let proxy = proxy(&layer, &source);
    for path in [large(0), mod_file(0)] {
        fetch(&proxy, &path).await.assert_file(&path, STORED);
        within(layer.fills().idle()).await;
        let asked = source.requests().total();
        let range = request(Method::GET, &path, &[("range", "bytes=-0")]);
        let got = send(&proxy, range).await;
        got.assert_status(416);
        assert_eq!(got.cache_status(), HIT);
        assert_eq!(source.requests().total(), asked);
    }
}
