//! A storage with right and wrong files.

use tower_goproxy::Storage;
use tower_goproxy::check::{Check, Checked, Checking, Summary, Verdict};

use crate::support::{Kept, within_minutes};

/// The SHA-256 of an owner.
pub const OWNER: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

pub const MOD: &str = "module example.com/m\n";

/// A zip with one bit turned over at the end of its last file.
pub fn damaged(zip: &[u8]) -> Vec<u8> {
    let mut damaged = zip.to_vec();
    let list = damaged.windows(4).position(|four| four == b"PK\x01\x02");
    damaged[list.expect("a zip has a list of its files") - 1] ^= 1;
    damaged
}

/// One on disk and one in an object store.
pub fn both() -> [Kept; 2] {
    [Kept::on_disk(), Kept::in_memory()]
}

pub async fn check(storage: Storage) -> (Vec<Checked>, Summary) {
    rest(&mut start(Check::new(storage)).await).await
}

pub async fn start(check: Check) -> Checking {
    check.start().await.expect("the storage answers")
}

/// All files that come still.
pub async fn rest(checking: &mut Checking) -> (Vec<Checked>, Summary) {
    let mut files = Vec::new();
    while let Some(file) = next(checking).await {
        files.push(file);
    }
    (files, checking.summary().clone())
}

pub async fn next(checking: &mut Checking) -> Option<Checked> {
    let next = within_minutes(checking.next()).await;
    next.expect("the storage can be listed")
}

/// The kind of a verdict, and its reason.
pub fn said(file: &Checked) -> String {
    let said = match &file.verdict {
        Verdict::Good => "good".to_owned(),
        Verdict::Skipped => "skipped".to_owned(),
        Verdict::Unconfirmed(reason) => format!("unconfirmed: {reason}"),
        Verdict::Wrong(reason) => format!("wrong: {reason}"),
        Verdict::Unchecked(reason) => format!("unchecked: {reason}"),
        Verdict::Stray(reason) => format!("stray: {reason}"),
        other => panic!("{other:?}"),
    };
    match file.removed {
        true => format!("{said} (removed)"),
        false => said,
    }
}

#[track_caller]
pub fn assert_said(files: &[Checked], path: &str, expected: &str) {
    let file = files.iter().find(|file| file.path == path);
    let file = file.unwrap_or_else(|| panic!("{path} was not checked"));
    let said = said(file);
    assert!(said.starts_with(expected), "{path}: {said}, not {expected}");
}
