//! What is checked of files that pass to one client without room for them, and what checks of a user's say.

use bytes::Bytes;
use tempfile::TempDir;
use tower_goproxy::verify::{Dirhash, Verified, Verify, VerifyFuture, Verifying, WholeFile};
use tower_goproxy::{Storage, Target};

use crate::scene::{
    NOT_STORED, STORED, content, fetch, large, layer, mod_file, proxy, registry, small,
};
use crate::support::{Answer, Framing, Recorded, Source, within};
use crate::wrong::{Corrected, assert_lacks_its_end};

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
    let got = fetch(&proxy(&layer, &source), &large(0)).await;
    got.assert_status(200);
    assert_lacks_its_end(&got, &large(0));
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
    let source = registry();
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
        let got = fetch(&proxy(&layer, &registry()), &large(0)).await;
        got.assert_status(200);
        match is_whole {
            true => got.assert_file(&large(0), NOT_STORED),
            false => assert_lacks_its_end(&got, &large(0)),
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
        let proxy = proxy(&layer, &registry());
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
    let got = fetch(&proxy(&layer, &source), &large(0)).await;
    got.assert_status(200);
    assert_lacks_its_end(&got, &large(0));
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
        assert_lacks_its_end(&got, &large(0));
    }
}
