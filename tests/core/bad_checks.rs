//! Checks of a user that panic or never end: each costs its own file, and nothing else.

use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Empty;
use tempfile::TempDir;
use tower_goproxy::verify::{Dirhash, Verified, Verify, VerifyFuture, Verifying, WholeFile};
use tower_goproxy::{Storage, Target};

use crate::scene::{HIT, STORED, all_paths, fetch, large, layer, mod_file, proxy, registry, small};
use crate::support::within;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Start,
    Update,
    Ready,
    Finish,
    FinishStream,
    Hit,
    FollowsStream,
}

/// Passes everything, but for what it does at one step of files of `example.com/m` and `example.com/large` at `v1.0.0`.
#[derive(Clone, Copy)]
struct Bad {
    step: Step,
    panics: bool,
}

impl Bad {
    fn panic_at(self, step: Step) {
        assert!(!self.panics || self.step != step, "as the test wants");
    }

    async fn end(self, step: Step) {
        self.panic_at(step);
        if self.step == step {
            pending::<()>().await;
        }
    }
}

impl Verify for Bad {
    fn start(&self, target: &Target<'_>) -> Box<dyn Verifying> {
        let is_bad = target.as_str().contains("/v1.0.0.");
        let step = if is_bad { self.step } else { Step::Hit };
        let bad = Self { step, ..*self };
        bad.panic_at(Step::Start);
        Box::new(bad)
    }

    fn hit(&self, _: &Target<'_>) {
        self.panic_at(Step::Hit);
    }

    fn follows_stream(&self) -> bool {
        self.panic_at(Step::FollowsStream);
        true
    }
}

impl Verifying for Bad {
    fn update(&mut self, _: &Bytes) {
        self.panic_at(Step::Update);
    }

    fn ready(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(self.end(Step::Ready))
    }

    fn finish(self: Box<Self>, _: WholeFile) -> VerifyFuture {
        Box::pin(async move {
            self.end(Step::Finish).await;
            Verified::Passed
        })
    }

    fn finish_stream(self: Box<Self>, _: Dirhash) -> VerifyFuture {
        Box::pin(async move {
            self.end(Step::FinishStream).await;
            Verified::Passed
        })
    }
}

/// One place at the source, which must be free again after each file.
async fn costs_its_own_file_alone(storage: Storage, bad: Bad) {
    let layer = layer(storage)
        .commit_timeout(Duration::from_secs(60))
        .max_fills(1)
        .max_small_requests(1)
        .verify(bad);
    let proxy = proxy(&layer, &registry());
    for path in [mod_file(0), small(0), large(0)] {
        let got = fetch(&proxy, &path).await;
        assert!(got.status == 502 || got.body.is_err(), "{path}: {got:?}");
        within(layer.fills().idle()).await;
    }
    for path in [mod_file(1), small(1), large(1)] {
        let got = fetch(&proxy, &path).await;
        assert!(got.status == 200 && got.body.is_ok(), "{path}: {got:?}");
        within(layer.fills().idle()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn in_front_of_a_storage() {
    for panics in [true, false] {
        let steps = match panics {
            true => &[Step::Start, Step::Update, Step::Finish][..],
            false => &[Step::Finish],
        };
        for step in steps.iter().copied() {
            costs_its_own_file_alone(Storage::memory(), Bad { step, panics }).await;
        }
    }
}

/// Only a large zip needs room before it is checked.
#[tokio::test(start_paused = true)]
async fn where_there_is_no_room() {
    for (step, panics) in [
        (Step::Update, true),
        (Step::Ready, true),
        (Step::Ready, false),
        (Step::FinishStream, true),
        (Step::FinishStream, false),
    ] {
        let folder = TempDir::new().unwrap();
        let storage = Storage::memory().local_folder(folder.path(), 0).unwrap();
        let layer = layer(storage)
            .commit_timeout(Duration::from_secs(60))
            .max_fills(1)
            .verify(Bad { step, panics });
        let proxy = proxy(&layer, &registry());
        let got = within(fetch(&proxy, &large(0))).await;
        assert!(got.body.is_err(), "{step:?}: it looks whole");
        let got = within(fetch(&proxy, &large(1))).await;
        assert!(got.body.is_ok(), "{step:?}: {got:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn before_a_file_passes_that_has_no_room() {
    for step in [Step::Start, Step::FollowsStream] {
        let folder = TempDir::new().unwrap();
        let storage = Storage::memory().local_folder(folder.path(), 0).unwrap();
        let panics = true;
        let layer = layer(storage).max_fills(1).verify(Bad { step, panics });
        let proxy = proxy(&layer, &registry());
        for _ in 0..2 {
            let got = within(fetch(&proxy, &large(0))).await;
            got.assert_status(502);
            assert_eq!(got.text(), "the source or a check panicked\n");
        }
    }
}

#[tokio::test]
async fn a_source_that_panics_is_a_failure_for_every_request() {
    fn panics() -> Result<Response<Empty<Bytes>>, Infallible> {
        panic!("as the test wants")
    }
    let source = tower::service_fn(|_: Request<Empty<Bytes>>| async { panics() });
    let layer = layer(Storage::memory());
    let proxy = proxy(&layer, &source);
    for path in all_paths() {
        fetch(&proxy, &path).await.assert_status(502);
    }
}

#[tokio::test]
async fn a_hit_is_served_all_the_same() {
    let bad = Bad {
        step: Step::Hit,
        panics: true,
    };
    let layer = layer(Storage::memory()).verify(bad);
    let proxy = proxy(&layer, &registry());
    for status in [STORED, HIT, HIT] {
        fetch(&proxy, &small(0))
            .await
            .assert_file(&small(0), status);
        within(layer.fills().idle()).await;
    }
}
