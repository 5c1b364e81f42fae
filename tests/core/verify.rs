//! Checks before a file is stored: those of a user, and how long they may take.

use std::io::Read as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tower_goproxy::fill::OnMiss;
use tower_goproxy::verify::{Verified, Verify, VerifyFuture, Verifying, WholeFile};
use tower_goproxy::{Storage, Target};

use crate::scene::{
    HIT, LIST, STORED, always, content, fetch, fetch_three, info, large, layer, mod_file, proxy,
    registry, small,
};
use crate::support::{Answer, Framing, Kept, Recorded, Source, quiet, within};

/// Targets and contents, in the order in which they came.
type Seen = Vec<(String, Vec<u8>)>;

/// Decides as it is told, once it may, and keeps what it has seen.
#[derive(Clone)]
struct Judge {
    verdict: Arc<Mutex<Verified>>,
    may_decide: watch::Sender<bool>,
    seen: Arc<Mutex<Seen>>,
    started: Arc<AtomicUsize>,
    /// Checks whose end was asked for.
    finishing: Arc<AtomicUsize>,
}

impl Judge {
    fn new(verdict: Verified) -> Self {
        Self {
            verdict: Arc::new(Mutex::new(verdict)),
            may_decide: watch::Sender::new(true),
            seen: Arc::default(),
            started: Arc::default(),
            finishing: Arc::default(),
        }
    }

    fn finishing(&self) -> usize {
        self.finishing.load(Ordering::SeqCst)
    }
}

impl Verify for Judge {
    fn start(&self, target: &Target<'_>) -> Box<dyn Verifying> {
        self.started.fetch_add(1, Ordering::SeqCst);
        Box::new(Hearing {
            judge: self.clone(),
            file: format!("/{}", target.as_str()),
            bytes: Vec::new(),
        })
    }
}

struct Hearing {
    judge: Judge,
    file: String,
    bytes: Vec<u8>,
}

impl Verifying for Hearing {
    fn update(&mut self, bytes: &Bytes) {
        self.bytes.extend_from_slice(bytes);
    }

    fn finish(self: Box<Self>, mut file: WholeFile) -> VerifyFuture {
        Box::pin(async move {
            self.judge.finishing.fetch_add(1, Ordering::SeqCst);
            let mut may_decide = self.judge.may_decide.subscribe();
            may_decide.wait_for(|may| *may).await.unwrap();
            let mut whole = Vec::new();
            file.read_to_end(&mut whole).unwrap();
            assert!(whole == self.bytes, "the file differs from what came");
            self.judge.seen.lock().unwrap().push((self.file, whole));
            self.judge.verdict.lock().unwrap().clone()
        })
    }
}

fn files() -> [String; 4] {
    [info(0), mod_file(0), small(0), large(0)]
}

on_each_storage! {
    async fn a_check_of_the_user_sees_every_new_file_as_a_whole(storage: Storage) {
        let judge = Judge::new(Verified::Passed);
        let layer = layer(storage).verify(judge.clone());
        let source = Source::new(|request: &Recorded| {
            Answer::in_parts(content(&request.path), 70_000).framing(Framing::Chunked)
        });
        let proxy = proxy(&layer, &source);
        for path in files() {
            assert_eq!(fetch(&proxy, &path).await.body.unwrap(), content(&path));
            within(layer.fills().idle()).await;
            fetch(&proxy, &path).await.assert_file(&path, HIT);
        }
        fetch(&proxy, LIST).await.assert_status(200);
        let seen = judge.seen.lock().unwrap();
        let expected = files().map(|path| (path.clone(), content(&path).to_vec()));
        assert!(*seen == expected, "each once, hits and lists not at all");
    }

    async fn a_check_of_the_user_sees_what_is_not_stored(storage: Storage) {
        let judge = Judge::new(Verified::Rejected("it is malware".to_owned()));
        let layer = layer(storage).verify(judge.clone());
        let source = Source::new(|request: &Recorded| {
            Answer::new([content(&request.path)]).header("cache-control", "no-store")
        });
        for path in [info(0), mod_file(0)] {
            fetch(&proxy(&layer, &source), &path).await.assert_status(502);
        }
        let seen = judge.seen.lock().unwrap();
        let expected = [info(0), mod_file(0)].map(|path| (path.clone(), content(&path).to_vec()));
        assert!(*seen == expected, "each byte came, and the file is whole");
    }

    async fn what_a_check_does_not_pass_reaches_nobody_whole_and_is_not_stored(storage: Storage) {
        let (rejected, unknown) = ("it is malware".to_owned(), "the scanner is away".to_owned());
        for verdict in [Verified::Rejected(rejected), Verified::Unknown(unknown)] {
            for on_miss in [OnMiss::Stream, OnMiss::Wait] {
                let judge = Judge::new(verdict.clone());
                let layer = layer(storage.clone()).on_miss(on_miss.clone()).verify(judge.clone());
                let source = registry();
                let proxy = proxy(&layer, &source);
                for path in files() {
                    for got in fetch_three(&proxy, &path).await {
                        let is_whole = got.status == 200 && got.body.is_ok();
                        assert!(!is_whole, "{verdict:?}, {on_miss:?}, {path}");
                    }
                    within(layer.fills().idle()).await;
                    let got = fetch(&proxy, &path).await;
                    assert!(got.status == 502 || got.body.is_err(), "it is not stored");
                    within(layer.fills().idle()).await;
                }
                assert!(source.requests().total() >= 8, "each is filled again");
                *judge.verdict.lock().unwrap() = Verified::Passed;
                for path in files() {
                    fetch(&proxy, &path).await.assert_file(&path, STORED);
                    within(layer.fills().idle()).await;
                    let target = Target::parse(&path).unwrap().unwrap();
                    storage.remove(&target, "for the next round").await.unwrap();
                    storage.restore(&target).await.unwrap();
                }
            }
        }
    }

    async fn all_checks_have_to_pass_in_any_order(storage: Storage) {
        let no = || Judge::new(Verified::Rejected("no".into()));
        let yes = || Judge::new(Verified::Passed);
        for judges in [[yes(), no()], [no(), yes()]] {
            let layer = layer(storage.clone()).verify(judges[0].clone()).verify(judges[1].clone());
            fetch(&proxy(&layer, &registry()), &mod_file(0)).await.assert_status(502);
            within(layer.fills().idle()).await;
        }
        // What ours rejects is not saved by another one.
        let layer = layer(storage).verify(yes());
        let wrong = always(Answer::new(["no module file"]));
        fetch(&proxy(&layer, &wrong), &mod_file(0)).await.assert_status(502);
        within(layer.fills().idle()).await;
    }

    async fn a_check_that_panics_has_not_passed(storage: Storage) {
        let layer = layer(storage).verify(Panics);
        for path in [mod_file(0), large(0)] {
            let got = fetch(&proxy(&layer, &registry()), &path).await;
            assert!(got.status == 502 || got.body.is_err());
            within(layer.fills().idle()).await;
        }
    }

    async fn a_file_that_breaks_off_is_not_judged(storage: Storage) {
        let judge = Judge::new(Verified::Passed);
        let layer = layer(storage).verify(judge.clone());
        let source = Source::new(|request: &Recorded| {
            Answer::in_parts(content(&request.path), 70_000).framing(Framing::Short(1))
        });
        for path in files() {
            let got = fetch(&proxy(&layer, &source), &path).await;
            assert!(got.status == 502 || got.body.is_err());
            within(layer.fills().idle()).await;
        }
        assert_eq!(judge.finishing(), 0);
        assert_eq!(judge.started.load(Ordering::SeqCst), 4);
    }

    /// A scanner that hangs would else be given every file that comes.
    async fn a_check_that_takes_too_long_keeps_its_place_until_it_has_ended(storage: Storage) {
        let minute = Duration::from_secs(60);
        let judge = Judge::new(Verified::Passed);
        judge.may_decide.send_replace(false);
        let layer = layer(storage).commit_timeout(minute).verify(judge.clone());
        let proxy = proxy(&layer, &registry());
        let fetch_all = |from: usize| {
            let clients = (from..from + 30).map(|n| {
                let proxy = proxy.clone();
                tokio::spawn(async move { fetch(&proxy, &large(n)).await })
            });
            futures_util::future::join_all(clients.collect::<Vec<_>>())
        };
        for got in fetch_all(0).await {
            got.unwrap().assert_broken();
        }
        within(layer.fills().idle()).await;
        let at_once = judge.finishing();
        assert!((1..30).contains(&at_once), "{at_once} checks at once");
        for got in fetch_all(100).await {
            got.unwrap().assert_broken();
        }
        assert_eq!(judge.finishing(), at_once, "no more are begun");
        // What is small has no places, since it is in memory already.
        judge.may_decide.send_replace(true);
        quiet().await;
        fetch(&proxy, &large(200)).await.assert_file(&large(200), STORED);
        within(layer.fills().idle()).await;
    }
}

struct Panics;

impl Verify for Panics {
    fn start(&self, _: &Target<'_>) -> Box<dyn Verifying> {
        Box::new(Self)
    }
}

impl Verifying for Panics {
    fn update(&mut self, _: &Bytes) {}

    fn finish(self: Box<Self>, _: WholeFile) -> VerifyFuture {
        Box::pin(async { panic!("as the test wants") })
    }
}

/// As in the go command's cache.
#[tokio::test]
async fn the_hash_of_a_zip_is_kept_beside_it() {
    let kept = Kept::in_memory();
    let layer = layer(kept.storage());
    for zip in [small(0), large(0)] {
        fetch(&proxy(&layer, &registry()), &zip)
            .await
            .assert_file(&zip, STORED);
        within(layer.fills().idle()).await;
        let beside = zip[1..].replace(".zip", ".ziphash");
        let hash = String::from_utf8(kept.read(&beside).await).unwrap();
        assert!(hash.len() == 47 && hash.starts_with("h1:"), "{hash}");
        let target = Target::parse(&zip).unwrap().unwrap();
        kept.storage()
            .remove(&target, "as the test wants")
            .await
            .unwrap();
        assert!(!kept.all_names().await.contains(&beside));
    }
}

/// Who waits for it gets no byte before.
#[tokio::test(start_paused = true)]
async fn nothing_is_visible_while_a_check_runs() {
    let kept = Kept::in_memory();
    let judge = Judge::new(Verified::Passed);
    judge.may_decide.send_replace(false);
    let layer = layer(kept.storage()).verify(judge.clone());
    let proxy = proxy(&layer, &registry());
    let clients: Vec<_> = files()
        .into_iter()
        .map(|path| {
            let proxy = proxy.clone();
            tokio::spawn(async move { fetch(&proxy, &path).await.assert_file(&path, STORED) })
        })
        .collect();
    quiet().await;
    assert!(clients.iter().all(|client| !client.is_finished()));
    assert_eq!(kept.names().await, [""; 0]);
    judge.may_decide.send_replace(true);
    for client in clients {
        client.await.unwrap();
    }
    within(layer.fills().idle()).await;
    assert_eq!(kept.names().await.len(), 4);
}

/// The checks of clones of a layer are their own.
#[tokio::test(start_paused = true)]
async fn a_check_that_a_clone_is_given_is_its_own() {
    let layer = layer(Storage::memory());
    let strict = layer
        .clone()
        .verify(Judge::new(Verified::Rejected("no".into())));
    fetch(&proxy(&strict, &registry()), &mod_file(0))
        .await
        .assert_status(502);
    within(layer.fills().idle()).await;
    let got = fetch(&proxy(&layer, &registry()), &mod_file(0)).await;
    got.assert_file(&mod_file(0), STORED);
}
