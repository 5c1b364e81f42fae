//! A check that stops in the middle, and the next one.

use std::collections::BTreeSet;
use std::time::Duration;

use tower_goproxy::Storage;
use tower_goproxy::check::{Check, Remove};

use crate::meanwhile::Meanwhile;
use crate::scene::{MOD, both, next, rest, start};

const RECORD: &str = "@records/check";

/// The third of 40 is wrong.
fn files() -> impl Iterator<Item = (String, &'static str)> {
    (10..50).map(|n| {
        let text = if n == 12 { "go 1.21\n" } else { MOD };
        (format!("example.com/m/@v/v1.{n}.0.mod"), text)
    })
}

fn checks(storage: &Storage) -> Check {
    Check::new(storage.clone()).max_files(4)
}

#[tokio::test]
async fn a_check_that_was_stopped_is_continued_and_checks_each_file_once() {
    for kept in both() {
        for (file, text) in files() {
            kept.write(&file, text).await;
        }
        let storage = kept.storage();
        let mut first = start(checks(&storage)).await;
        assert_eq!(first.resumed(), None);
        assert_eq!(first.count().await.unwrap(), 40);
        let mut seen = Vec::new();
        for _ in 0..10 {
            seen.push(next(&mut first).await.unwrap().path);
        }
        first.stop();
        let (rest_of_first, summary) = rest(&mut first).await;
        assert!(rest_of_first.len() <= 4, "{}", rest_of_first.len());
        seen.extend(rest_of_first.into_iter().map(|file| file.path));
        assert_eq!((summary.files(), summary.wrong), (seen.len() as u64, 1));
        assert!(kept.names().await.contains(&RECORD.to_owned()));

        let mut second = start(checks(&storage)).await;
        let resumed = second.resumed().unwrap();
        assert_eq!(Some(&resumed.path), seen.last());
        assert!(resumed.ago < Duration::from_secs(60));
        assert_eq!(second.count().await.unwrap(), 40 - seen.len() as u64);
        let (rest_of_second, summary) = rest(&mut second).await;
        seen.extend(rest_of_second.into_iter().map(|file| file.path));
        let all: BTreeSet<_> = files().map(|(file, _)| file).collect();
        assert_eq!(seen, all.into_iter().collect::<Vec<_>>());
        // Of the first one.
        assert_eq!((summary.good, summary.wrong), (39, 1));
        assert!(!kept.names().await.contains(&RECORD.to_owned()));
        assert_eq!(start(checks(&storage)).await.resumed(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_check_that_was_killed_is_continued() {
    for kept in both() {
        for (file, text) in files() {
            kept.write(&file, text).await;
        }
        let storage = kept.storage();
        let mut first = start(checks(&storage)).await;
        for _ in 0..10 {
            next(&mut first).await.unwrap();
        }
        tokio::time::advance(Duration::from_secs(60)).await;
        let last = first.position().to_owned();
        next(&mut first).await.unwrap();
        drop(first);

        let mut second = start(checks(&storage)).await;
        assert_eq!(second.resumed().unwrap().path, last);
        let (files, summary) = rest(&mut second).await;
        assert_eq!((files.len(), summary.files(), summary.wrong), (30, 40, 1));
    }
}

#[tokio::test]
async fn a_check_with_other_settings_begins_anew() {
    for kept in both() {
        for (file, text) in files() {
            kept.write(&file, text).await;
        }
        let storage = kept.storage();
        let mut first = start(checks(&storage)).await;
        for _ in 0..10 {
            next(&mut first).await.unwrap();
        }
        first.stop();
        rest(&mut first).await;
        assert!(start(checks(&storage)).await.resumed().is_some());
        assert_eq!(start(checks(&storage).anew()).await.resumed(), None);
        let mut other = start(checks(&storage).remove(Remove::Wrong)).await;
        assert_eq!(other.resumed(), None);
        let (_, summary) = rest(&mut other).await;
        assert_eq!((summary.good, summary.removed), (39, 1));
    }
}

#[tokio::test]
async fn a_store_that_lists_in_another_order_is_checked_as_a_whole_each_time() {
    let store = Meanwhile::default();
    store.unordered();
    for (file, text) in files() {
        store.write(&file, text).await;
    }
    let storage = Storage::new(store.clone());
    let mut first = start(checks(&storage)).await;
    for _ in 0..10 {
        next(&mut first).await.unwrap();
    }
    first.stop();
    rest(&mut first).await;
    assert_eq!(store.read(RECORD).await, None);
    let mut second = start(checks(&storage)).await;
    assert_eq!(second.resumed(), None);
    let (files, summary) = rest(&mut second).await;
    assert_eq!((files.len(), summary.wrong), (40, 1));
}

/// A record that somebody has changed, or an older version of this crate has written.
#[tokio::test]
async fn a_malformed_record_is_none() {
    for kept in both() {
        let (file, text) = files().next().unwrap();
        kept.write(&file, text).await;
        for record in ["", "x", "remove Nothing, database none\n1\n1 2\nzzz"] {
            kept.write(RECORD, record).await;
            let mut check = start(checks(&kept.storage())).await;
            assert_eq!(check.resumed(), None);
            assert_eq!(rest(&mut check).await.1.good, 1);
        }
    }
}
