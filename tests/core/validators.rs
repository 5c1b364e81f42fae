//! Entity tags, and what a client may do with them.

use std::fs;

use bytes::Bytes;
use http::Method;
use object_store::ObjectStoreExt as _;
use object_store::memory::InMemory;
use tower_goproxy::fill::{Fill, FillLayer};
use tower_goproxy::source::Area;

use crate::scene::{
    ATTACHED, Got, HIT, content, fetch, in_parts, key, large, layer, mod_file, proxy, send,
};
use crate::support::plain_source::{self, PlainSource};
use crate::support::{
    Answer, Framing, Gate, Kept, Recorded, Source, ask, get, incompressible, module_zip, quiet,
    read, request, whole, within,
};

/// Zips of one length and two contents, small ones and large ones.
fn twins() -> [[Bytes; 2]; 2] {
    [1_000, 1_100_000].map(|size| {
        [1, 2].map(|seed| {
            let data = incompressible(size, seed);
            let files: [(&str, &[u8]); 2] = [("go.mod", b"module m\n"), ("data", &data)];
            module_zip("example.com/large", "v1.0.0", &files).into()
        })
    })
}

/// The storage takes over a file that somebody else has put there.
async fn put(kept: &Kept, path: &str, file: &Bytes) {
    match kept {
        Kept::Disk(folder) => {
            let to = folder.path().join(key(path));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            let new = folder.path().join("new");
            fs::write(&new, file).unwrap();
            fs::rename(new, to).unwrap();
        }
        Kept::Memory(store) => {
            let at = object_store::path::Path::parse(key(path)).unwrap();
            InMemory::put(store, &at, file.clone().into())
                .await
                .unwrap();
        }
    }
}

fn served(kept: &Kept) -> (FillLayer<Area>, Fill<plain_source::Source>) {
    let layer = layer(kept.storage());
    let fill = proxy(&layer, &PlainSource::new("nothing").service());
    (layer, fill)
}

#[tokio::test(start_paused = true)]
async fn two_contents_of_one_length_never_share_a_tag_and_are_never_mixed() {
    for kept in [Kept::on_disk(), Kept::in_memory()] {
        for [first, second] in twins() {
            assert_eq!(first.len(), second.len());
            put(&kept, &large(0), &first).await;
            let (_, proxy) = served(&kept);
            let before = fetch(&proxy, &large(0)).await;
            assert!(before.body.as_ref().unwrap() == &first);
            let tag = before.header("etag");
            assert!(
                tag.starts_with('"') && tag.len() > 2,
                "it is a strong tag: {tag}"
            );
            assert_eq!(fetch(&proxy, &large(0)).await.header("etag"), tag);

            put(&kept, &large(0), &second).await;
            // As another process, which has nothing in memory.
            let (_, proxy) = served(&kept);
            let after = fetch(&proxy, &large(0)).await;
            assert!(after.body.as_ref().unwrap() == &second);
            assert_ne!(after.header("etag"), tag, "{kept:?}");
            // Who has the first half of the one does not get the second half of the other.
            let resumed = resume(&proxy, 500, tag).await;
            resumed.assert_status(200);
            assert!(resumed.body.unwrap() == second);
            let resumed = resume(&proxy, 500, after.header("etag")).await;
            resumed.assert_status(206);
            assert!(resumed.body.unwrap() == second.slice(500..));
        }
    }
}

/// Another process, or a hand.
#[tokio::test(start_paused = true)]
async fn a_file_on_disk_that_is_replaced_is_noticed_at_once() {
    let kept = Kept::on_disk();
    let (_, proxy) = served(&kept);
    for [first, second] in twins() {
        let mut tags = Vec::new();
        for file in [&first, &second] {
            put(&kept, &large(0), file).await;
            let got = fetch(&proxy, &large(0)).await;
            assert!(got.body.as_ref().unwrap() == file);
            tags.push(got.header("etag").to_owned());
        }
        assert_ne!(tags[0], tags[1]);
    }
}

async fn resume<S>(proxy: &S, from: usize, tag: &str) -> Got
where
    S: tower::Service<
            http::Request<()>,
            Response = http::Response<tower_goproxy::fill::ResponseBody>,
            Error = std::convert::Infallible,
        > + Clone,
{
    let range = format!("bytes={from}-");
    let headers = [("range", &*range), ("if-range", tag)];
    send(proxy, request(Method::GET, &large(0), &headers)).await
}

on_each_storage! {
    async fn a_download_is_resumed_with_the_tag_of_its_fill_while_that_runs(storage: Storage) {
        let (source, gate) = in_parts();
        let layer = layer(storage);
        let proxy = proxy(&layer, &source);
        let mut first = ask(&proxy, get(&large(0))).await;
        let tag = first.headers()["etag"].to_str().unwrap().to_owned();
        let begin = read(first.body_mut(), 50_000).await.unwrap();
        drop(first);

        let resumed = tokio::spawn({
            let (proxy, tag, from) = (proxy.clone(), tag.clone(), begin.len());
            async move { resume(&proxy, from, &tag).await }
        });
        quiet().await;
        let known = request(Method::GET, &large(0), &[("if-none-match", &tag)]);
        send(&proxy, known).await.assert_status(304);
        let other = tokio::spawn({
            let proxy = proxy.clone();
            async move { resume(&proxy, 50_000, "\"another\"").await }
        });
        quiet().await;
        gate.open();
        let resumed = resumed.await.unwrap();
        resumed.assert_status(206);
        assert_eq!(resumed.header("etag"), tag);
        assert_eq!(resumed.cache_status(), ATTACHED);
        assert!([begin, resumed.body.unwrap()].concat() == content(&large(0)));
        other.await.unwrap().assert_file(&large(0), ATTACHED);

        within(layer.fills().idle()).await;
        // The stored file is known by another tag, so it comes whole.
        let again = resume(&proxy, 50_000, &tag).await;
        match again.header("etag") == tag {
            true => again.assert_status(206),
            false => again.assert_file(&large(0), HIT),
        }
        let resumed = resume(&proxy, 50_000, again.header("etag")).await;
        resumed.assert_status(206);
        assert!(resumed.body.unwrap() == content(&large(0)).slice(50_000..));
    }

    async fn two_fills_of_one_file_have_different_tags(storage: Storage) {
        let layer = layer(storage);
        let mut tags = Vec::new();
        for _ in 0..2 {
            let gate = Gate::closed();
            let held = gate.clone();
            let source = Source::new(move |request: &Recorded| {
                let answer = Answer::in_parts(content(&request.path), 100_000);
                answer.gated(&held).framing(Framing::Cut)
            });
            let first = ask(&proxy(&layer, &source), get(&large(0))).await;
            tags.push(first.headers()["etag"].clone());
            gate.open();
            assert!(whole(first.into_body()).await.is_err());
            within(layer.fills().idle()).await;
        }
        assert_ne!(tags[0], tags[1]);
    }

    async fn a_hit_that_the_client_has_is_not_sent_again(storage: Storage) {
        let layer = layer(storage);
        let proxy = proxy(&layer, &crate::scene::registry());
        for path in [mod_file(0), large(0)] {
            fetch(&proxy, &path).await.assert_status(200);
            within(layer.fills().idle()).await;
            let tag = fetch(&proxy, &path).await.header("etag").to_owned();
            for (condition, status) in [("if-none-match", 304), ("if-match", 200)] {
                let got = send(&proxy, request(Method::GET, &path, &[(condition, &tag)])).await;
                got.assert_status(status);
                assert_eq!(got.header("etag"), tag);
            }
        }
    }
}
