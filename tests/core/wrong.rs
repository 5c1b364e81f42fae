//! Files that are wrong: nobody has one of them whole, and none is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::{Bytes, BytesMut};
use futures_util::future::join_all;
use tempfile::TempDir;
use tower_goproxy::fill::OnMiss;
use tower_goproxy::verify::{Dirhash, Verified, Verify, VerifyFuture, Verifying, WholeFile};
use tower_goproxy::{Storage, Target};

use crate::scene::{
    HIT, NOT_STORED, STORED, content, fetch, info, large, layer, mod_file, proxy, small,
};
use crate::support::{Answer, Framing, Kept, Recorded, Source, within};

/// A registry whose zips have a flipped bit until it is corrected.
#[derive(Clone, Default)]
struct Corrected(Arc<AtomicBool>);

impl Corrected {
    fn source(&self, framing: Option<Framing>) -> Source {
        let corrected = self.clone();
        Source::new(move |request: &Recorded| {
            let answer = Answer::in_parts(corrected.content(&request.path), 50_000);
            match &framing {
                Some(framing) => answer.framing(*framing),
                None => answer,
            }
        })
    }

    fn content(&self, path: &str) -> Bytes {
        let mut content = BytesMut::from(content(path));
        if !self.0.load(Ordering::SeqCst) {
            // In the middle of a file, so that the archive opens.
            let at = content.len() / 2;
            content[at] ^= 1;
        }
        content.freeze()
    }
}

/// Without room there is nothing to wait for, and each client has a response of its own.
fn storages() -> (Kept, Vec<(Storage, TempDir)>) {
    let kept = Kept::in_memory();
    let rooms = [1 << 40, 2_000_000, 0].map(|room| {
        let folder = TempDir::new().unwrap();
        let storage = kept.storage().local_folder(folder.path(), room);
        (storage.unwrap(), folder)
    });
    (kept, rooms.into())
}

#[tokio::test(start_paused = true)]
async fn fifty_readers_of_a_wrong_zip() {
    let (kept, storages) = storages();
    for (storage, _folder) in storages {
        for framing in [None, Some(Framing::Chunked)] {
            let corrected = Corrected::default();
            let layer = layer(storage.clone());
            let proxy = proxy(&layer, &corrected.source(framing));
            let zip = large(0);
            let readers = (0..50).map(|_| fetch(&proxy, &zip));
            for got in within(join_all(readers)).await {
                let is_whole = got.status == 200 && got.body.is_ok();
                assert!(!is_whole, "{:?}", got.headers);
            }
            within(layer.fills().idle()).await;
            assert_eq!(kept.names().await, [""; 0]);
            corrected.0.store(true, Ordering::SeqCst);
            let got = fetch(&proxy, &zip).await;
            assert!(got.body.unwrap() == content(&zip));
            within(layer.fills().idle()).await;
            let target = Target::parse(&zip).unwrap().unwrap();
            storage.remove(&target, "for the next round").await.unwrap();
            storage.restore(&target).await.unwrap();
        }
    }
}

/// Its first client may have got the head when the reason was known.
#[tokio::test(start_paused = true)]
async fn the_next_client_is_told_why() {
    let corrected = Corrected::default();
    let layer = layer(Storage::memory());
    let proxy = proxy(&layer, &corrected.source(None));
    let got = fetch(&proxy, &large(0)).await;
    assert!(got.status == 502 || got.body.is_err());
    within(layer.fills().idle()).await;
    for _ in 0..3 {
        let got = fetch(&proxy, &large(0)).await;
        got.assert_status(502);
        assert_eq!(got.text(), ".zip has a file with a wrong checksum\n");
        within(layer.fills().idle()).await;
    }
    corrected.0.store(true, Ordering::SeqCst);
    fetch(&proxy, &large(0))
        .await
        .assert_file(&large(0), STORED);
    within(layer.fills().idle()).await;
    fetch(&proxy, &large(0)).await.assert_file(&large(0), HIT);
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_why_at_once() {
    let corrected = Corrected::default();
    let layer = layer(Storage::memory()).on_miss(OnMiss::Wait);
    let got = fetch(&proxy(&layer, &corrected.source(None)), &large(0)).await;
    got.assert_status(502);
    assert_eq!(got.text(), ".zip has a file with a wrong checksum\n");
}

fn without_room() -> (Storage, TempDir) {
    let folder = TempDir::new().unwrap();
    let storage = Storage::memory().local_folder(folder.path(), 0);
    (storage.unwrap(), folder)
}

/// It is right, but only who has all of it can tell.
#[tokio::test(start_paused = true)]
async fn a_zip_that_cannot_be_followed_without_room() {
    let (storage, _folder) = without_room();
    let layer = layer(storage);
    let source = Source::new(|request: &Recorded| {
        Answer::in_parts([&*content(&request.path), b"behind"].concat(), 50_000)
    });
    fetch(&proxy(&layer, &source), &large(0))
        .await
        .assert_broken();
}

/// Decides alike of every file, with or without it.
struct Checks {
    follows: bool,
    says: Verified,
}

struct Running(Verified);

impl Verify for Checks {
    fn start(&self, _: &Target<'_>) -> Box<dyn Verifying> {
        Box::new(Running(self.says.clone()))
    }

    fn follows_stream(&self) -> bool {
        self.follows
    }
}

impl Verifying for Running {
    fn update(&mut self, _: &Bytes) {}

    fn finish(self: Box<Self>, file: WholeFile) -> VerifyFuture {
        let has_hash = file.dirhash().get().is_some();
        Box::pin(async move {
            assert!(has_hash, "the built-in check comes first");
            self.0
        })
    }

    fn finish_stream(self: Box<Self>, dirhash: Dirhash) -> VerifyFuture {
        Box::pin(async move {
            assert!(dirhash.get().is_some_and(|hash| hash.starts_with("h1:")));
            self.0
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_needs_the_file_when_there_is_no_room() {
    let (storage, _folder) = without_room();
    let needs = Checks {
        follows: false,
        says: Verified::Passed,
    };
    let source = crate::scene::registry();
    let layer = layer(storage).verify(needs);
    let proxy = proxy(&layer, &source);
    let got = fetch(&proxy, &large(0)).await;
    got.assert_status(503);
    // What is in memory needs no room.
    fetch(&proxy, &small(0))
        .await
        .assert_file(&small(0), STORED);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_follows_when_there_is_no_room() {
    for (says, is_whole) in [
        (Verified::Passed, true),
        (Verified::Rejected("no".into()), false),
    ] {
        let (storage, _folder) = without_room();
        let follows = Checks {
            follows: true,
            says,
        };
        let layer = layer(storage).verify(follows);
        let got = fetch(&proxy(&layer, &crate::scene::registry()), &large(0)).await;
        match is_whole {
            true => got.assert_file(&large(0), NOT_STORED),
            false => got.assert_broken(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_check_cannot_tell_is_kept_if_that_is_set() {
    let unknown = || Checks {
        follows: true,
        says: Verified::Unknown("the scanner is away".into()),
    };
    for keeps in [false, true] {
        let layer = layer(Storage::memory()).verify(unknown());
        let layer = if keeps { layer.keep_unknown() } else { layer };
        let proxy = proxy(&layer, &crate::scene::registry());
        let got = fetch(&proxy, &mod_file(0)).await;
        match keeps {
            true => got.assert_file(&mod_file(0), STORED),
            false => got.assert_status(502),
        }
        within(layer.fills().idle()).await;
    }
}

/// The setting is for checks of others: of ours, not to tell is not to have checked.
#[tokio::test(start_paused = true)]
async fn a_wrong_zip_that_cannot_be_followed_is_not_kept_as_unknown() {
    let (storage, _folder) = without_room();
    let layer = layer(storage).keep_unknown();
    let source = Source::new(|_: &Recorded| {
        let wrong = Corrected::default().content(&large(0));
        Answer::in_parts([&*wrong, b"behind"].concat(), 50_000)
    });
    fetch(&proxy(&layer, &source), &large(0))
        .await
        .assert_broken();
}

/// A source that wants nothing stored is checked all the same.
#[tokio::test(start_paused = true)]
async fn wrong_files_that_are_not_stored() {
    let source = Source::new(|_: &Recorded| {
        Answer::new(["no file of a module"]).header("cache-control", "no-store")
    });
    let layer = layer(Storage::memory());
    let proxy = proxy(&layer, &source);
    for path in [info(0), mod_file(0)] {
        fetch(&proxy, &path).await.assert_status(502);
    }
    for path in [small(0), large(0)] {
        let got = fetch(&proxy, &path).await;
        assert!(got.status == 502 || got.body.is_err());
    }
}

/// A wrong zip that is all that was declared, and more behind it, which pushes nothing through to the client.
#[tokio::test(start_paused = true)]
async fn more_than_was_declared_does_not_make_a_wrong_zip_complete() {
    let wrong = Corrected::default().content(&large(0));
    for behind in [1, 70_000, 500_000] {
        let (storage, _folder) = without_room();
        let layer = layer(storage);
        let (len, content) = (wrong.len(), [&*wrong, &vec![0; behind]].concat());
        let source = Source::new(move |_: &Recorded| {
            Answer::in_parts(content.clone(), 50_000)
                .framing(Framing::Chunked)
                .header("content-length", &len.to_string())
        });
        let got = fetch(&proxy(&layer, &source), &large(0)).await;
        got.assert_status(200);
        got.assert_broken();
    }
}

/// So that proxies that store a file at different times say the same of it.
#[tokio::test(start_paused = true)]
async fn the_tag_of_a_small_file_is_of_its_content() {
    let mut tags = Vec::new();
    let folder = TempDir::new().unwrap();
    for storage in [
        Storage::memory(),
        Storage::memory(),
        Storage::disk(folder.path()).unwrap(),
    ] {
        let layer = layer(storage);
        let proxy = proxy(&layer, &crate::scene::registry());
        for _ in 0..2 {
            let got = fetch(&proxy, &mod_file(0)).await;
            tags.push(got.header("etag").to_owned());
            layer.fills().idle().await;
        }
        let head = crate::support::request(http::Method::HEAD, &mod_file(0), &[]);
        tags.push(
            crate::scene::send(&proxy, head)
                .await
                .header("etag")
                .to_owned(),
        );
    }
    assert!(
        tags.iter().all(|tag| tag.len() == 66 && *tag == tags[0]),
        "{tags:?}"
    );
}
