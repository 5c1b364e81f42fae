//! Files that change while they are checked.

use tower_goproxy::Storage;
use tower_goproxy::check::{Check, Checked, Remove};

use crate::meanwhile::Meanwhile;
use crate::scene::{MOD, rest, said, start};

const FILE: &str = "example.com/m/@v/v1.0.0.mod";
const NO_MODULE: &str = "go 1.21\n";
const CUT: &str = "module\n";

async fn checked(store: &Meanwhile, remove: Remove) -> String {
    let check = Check::new(Storage::new(store.clone())).remove(remove);
    let (files, _) = rest(&mut start(check).await).await;
    let of_file: Vec<&Checked> = files.iter().filter(|file| file.path == FILE).collect();
    let [file] = of_file[..] else {
        panic!("{files:?}");
    };
    said(file)
}

#[tokio::test]
async fn a_wrong_file_that_becomes_right_meanwhile_is_good_and_stays() {
    for remove in [Remove::Nothing, Remove::Wrong] {
        let store = Meanwhile::default();
        store.write(FILE, NO_MODULE).await;
        store.after_reads(1, MOD);
        assert_eq!(checked(&store, remove).await, "good");
        assert_eq!(store.read(FILE).await.unwrap(), MOD);
    }
}

#[tokio::test]
async fn what_is_removed_is_what_was_checked() {
    let store = Meanwhile::default();
    store.write(FILE, NO_MODULE).await;
    store.after_reads(1, CUT);
    let expected = "wrong: .mod has a malformed module line (removed)";
    assert_eq!(checked(&store, Remove::Wrong).await, expected);
    assert_eq!(store.read(FILE).await, None);
}

#[tokio::test]
async fn what_comes_after_a_removal_is_checked_too() {
    let store = Meanwhile::default();
    store.write(FILE, NO_MODULE).await;
    store.after_delete(CUT);
    let expected = "wrong: .mod has a malformed module line (removed)";
    assert_eq!(checked(&store, Remove::Wrong).await, expected);
    assert_eq!(store.read(FILE).await, None);

    store.write(FILE, NO_MODULE).await;
    store.after_delete(MOD);
    let expected = "wrong: .mod has no module line (removed)";
    assert_eq!(checked(&store, Remove::Wrong).await, expected);
    assert_eq!(store.read(FILE).await.unwrap(), MOD);
}

#[tokio::test]
async fn a_file_that_never_stays_as_it_is_is_unchecked() {
    let store = Meanwhile::default();
    store.write(FILE, NO_MODULE).await;
    store.changes_always();
    let expected = "unchecked: it changes while it is checked";
    assert_eq!(checked(&store, Remove::Wrong).await, expected);
    assert!(store.read(FILE).await.is_some());
}
