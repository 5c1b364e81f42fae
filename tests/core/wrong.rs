//! Files that are wrong: nobody has one of them whole, and none is stored.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::join_all;
use tempfile::TempDir;
use tower_goproxy::fill::OnMiss;
use tower_goproxy::{Storage, Target};

use crate::scene::{
    Got, HIT, STORED, content, fetch, info, large, layer, mod_file, proxy, small, spawn_get,
};
use crate::support::respawn::{self, Respawned};
use crate::support::{
    Answer, Framing, Gate, Kept, Recorded, Source, kept, quiet, within, within_minutes,
};

/// A registry whose zips have a flipped bit until it is corrected.
#[derive(Clone, Default)]
pub(crate) struct Corrected(Arc<AtomicBool>);

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

    pub(crate) fn content(&self, path: &str) -> Bytes {
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

/// No last byte either: who has all that was declared waits for no end.
#[track_caller]
pub(crate) fn assert_lacks_its_end(got: &Got, path: &str) {
    if got.status == 200 {
        got.assert_broken();
        let received = got.received;
        assert!(received < content(path).len(), "{received} bytes came");
    }
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
                assert_lacks_its_end(&got, &zip);
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

/// No test: a process in which every write behind so many bytes of a file fails, as on a full disk.
#[tokio::test]
async fn in_a_process_with_a_full_disk() {
    let Some(words) = respawn::words() else {
        return;
    };
    let folder = Path::new(&words[0]);
    for framing in [None, Some(Framing::Chunked)] {
        let layer = layer(Storage::disk(folder).unwrap());
        let proxy = proxy(&layer, &Corrected::default().source(framing));
        let zip = large(0);
        let readers = (0..50).map(|_| fetch(&proxy, &zip));
        for got in join_all(readers).await {
            assert_lacks_its_end(&got, &zip);
        }
        layer.fills().idle().await;
        assert_eq!(kept::names(folder), [""; 0]);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn fifty_readers_of_a_wrong_zip_and_a_disk_that_is_full_at_any_batch() {
    let zip = large(0);
    // In blocks of 512 bytes. Two pieces of the source are a batch.
    let pieces = content(&zip).len() / 50_000 + 1;
    for piece in 0..=pieces {
        let folder = TempDir::new().unwrap();
        let blocks = piece * 98;
        // Without the trap the signal ends the process.
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let test = "wrong::in_a_process_with_a_full_disk";
        let words = folder.path().to_str().unwrap();
        let process = Respawned::start(test, &[words], &["sh", "-c", &limited]);
        within_minutes(process.passed()).await;
        let layer = layer(Storage::disk(folder.path()).unwrap());
        let got = fetch(&proxy(&layer, &crate::scene::registry()), &zip).await;
        got.assert_file(&zip, STORED);
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

/// Then it is streamed again, and nobody waits for the whole of it before the first byte.
#[tokio::test(start_paused = true)]
async fn clients_are_told_why_for_five_minutes_after_the_last_refusal() {
    let gate = Gate::closed();
    let (held, wrong) = (gate.clone(), Corrected::default().content(&large(0)));
    let source = Source::new(move |_: &Recorded| {
        // Two parts with the gate between them.
        Answer::in_parts(wrong.clone(), 600_000).gated(&held)
    });
    let layer = layer(Storage::memory());
    let proxy = proxy(&layer, &source);
    for (seconds, is_told) in [
        (0, false),
        (299, true),
        (299, true),
        (300, false),
        (0, true),
    ] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        let client = spawn_get(&proxy, &large(0));
        quiet().await;
        gate.allow(1);
        let got = within(client).await.unwrap();
        got.assert_status(if is_told { 502 } else { 200 });
        match is_told {
            true => assert_eq!(got.text(), ".zip has a file with a wrong checksum\n"),
            false => got.assert_broken(),
        }
        within(layer.fills().idle()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_told_why_at_once() {
    let corrected = Corrected::default();
    let layer = layer(Storage::memory()).on_miss(OnMiss::Wait);
    let got = fetch(&proxy(&layer, &corrected.source(None)), &large(0)).await;
    got.assert_status(502);
    assert_eq!(got.text(), ".zip has a file with a wrong checksum\n");
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
