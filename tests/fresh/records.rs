//! What is kept in the storage.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use http::StatusCode;
use tokio::time::advance;

use super::fixtures::{ASKED, LATEST, LIST, MAIN, Proxy, STALE, Script, broken, info, not_found};
use super::support::{Answer, Kept, within};

const MINUTE: Duration = Duration::from_secs(60);
const RECORD: &str = "@records/fresh/example.com/m/@v/list";

#[tokio::test(start_paused = true)]
async fn a_record_is_written_only_when_the_bytes_change() {
    within(async {
        let (script, kept) = (Script::default(), Kept::on_disk());
        script.set(LIST, Answer::new(["v1.0.0\n"]));
        let source = script.source();
        let proxy = Proxy::new(&kept.storage(), &source);
        let mut written = Vec::new();
        for list in [
            "v1.0.0\n",
            "v1.0.0\nv1.0.0\n",
            "v1.0.0 2020-01-02T03:04:05Z\n",
            "v1.1.0\nv1.0.0\n",
        ] {
            script.set(LIST, Answer::new([list]));
            assert_eq!(proxy.get(LIST).await.state(), ASKED);
            proxy.idle().await;
            written.push(fs::metadata(kept.folder().join(RECORD)).unwrap().ino());
            advance(5 * MINUTE).await;
        }
        assert!(written[0] == written[1] && written[1] == written[2]);
        assert_ne!(written[2], written[3]);
        // A process that begins does not write what it reads.
        let other = Proxy::new(&kept.storage(), &source);
        assert_eq!(other.get(LIST).await.state(), ASKED);
        other.idle().await;
        assert_eq!(
            fs::metadata(kept.folder().join(RECORD)).unwrap().ino(),
            written[3]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn another_process_has_the_answers_when_the_source_is_away() {
    within(async {
        let (script, kept) = (Script::default(), Kept::on_disk());
        let version = "v0.0.0-20240102030405-abcdef012345";
        script
            .set(LIST, Answer::new(["v1.0.0\n"]))
            .set(LATEST, info("v1.0.0"))
            .set(MAIN, info(version));
        let source = script.source();
        let first = Proxy::new(&kept.storage(), &source);
        for path in [LIST, LATEST, MAIN] {
            first.get(path).await;
        }
        first.idle().await;
        script.down(broken());
        let second = Proxy::new(&kept.storage(), &source);
        for path in [LIST, LATEST, MAIN] {
            let got = second.get(path).await;
            assert_eq!((got.status, got.state()), (StatusCode::OK, STALE));
        }
        // A record that somebody has damaged counts as none.
        second.idle().await;
        fs::write(kept.folder().join(RECORD), "v1.0.0\n").unwrap();
        let third = Proxy::new(&kept.storage(), &source);
        assert_eq!(
            third.get(LIST).await.status,
            StatusCode::INTERNAL_SERVER_ERROR
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_exists_no_more_leaves_no_record() {
    within(async {
        let (script, kept) = (Script::default(), Kept::on_disk());
        script.set(LIST, Answer::new(["v1.0.0\n"]));
        let source = script.source();
        let proxy = Proxy::new(&kept.storage(), &source);
        proxy.get(LIST).await;
        proxy.idle().await;
        assert!(kept.folder().join(RECORD).exists());
        script.set(LIST, not_found());
        advance(5 * MINUTE).await;
        assert_eq!(proxy.get(LIST).await.status, StatusCode::NOT_FOUND);
        proxy.idle().await;
        assert!(!kept.folder().join(RECORD).exists());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_queries_of_a_module_are_bounded() {
    within(async {
        let (script, kept) = (Script::default(), Kept::on_disk());
        let source = script.source();
        let proxy = Proxy::new(&kept.storage(), &source);
        for n in 0..100 {
            let path = format!("/example.com/m/@v/branch-{n}.info");
            script.set(&path, info("v1.0.0"));
            assert_eq!(proxy.get(&path).await.status, StatusCode::OK);
            proxy.idle().await;
        }
        let names = kept.names().await;
        assert_eq!(
            names
                .iter()
                .filter(|name| name.starts_with("@records/fresh/"))
                .count(),
            64
        );
    })
    .await;
}
