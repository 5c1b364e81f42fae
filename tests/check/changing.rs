//! Files that change while they are checked, and folders that cannot be read.

#[cfg(unix)]
use std::fs;
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;
#[cfg(unix)]
use std::path::Path;

use tower_goproxy::Storage;
use tower_goproxy::check::{Check, Checked, Remove};

use crate::core::{content, key, large, mod_file, small};
use crate::meanwhile::Meanwhile;
use crate::scene::{MOD, assert_said, rest, said, start};
#[cfg(unix)]
use crate::{
    scene::check,
    support::respawn::{self, Respawned},
};

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

/// An object store behind a proxy that breaks off, and does not say so.
#[tokio::test]
async fn a_file_of_which_a_part_is_read_is_unchecked_and_stays() {
    for path in [small(0), large(0), mod_file(0), long_mod_file()] {
        let store = Meanwhile::default();
        let content = match path == long_mod_file() {
            true => format!("// {}\n{MOD}", "x".repeat(200_000)).into(),
            false => content(&path),
        };
        store.write(key(&path), content.clone()).await;
        store.cut(true);
        let check = Check::new(Storage::new(store.clone())).remove(Remove::Wrong);
        let (files, _) = rest(&mut start(check).await).await;
        assert_said(&files, key(&path), "unchecked: ");
        store.cut(false);
        assert_eq!(store.read(key(&path)).await.unwrap(), content);
    }
}

fn long_mod_file() -> String {
    mod_file(1)
}

/// No test: a process that may not read everything.
#[cfg(unix)]
#[tokio::test]
async fn in_a_process_without_permission() {
    let Some(words) = respawn::words() else {
        return;
    };
    let root = Path::new(&words[0]);
    for folder in ["lost+found", "a.example/locked/@v", "z.example/m/@v"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("z.example/m/@v/v1.0.0.mod"), MOD).unwrap();
    for folder in ["lost+found", "a.example/locked"] {
        fs::set_permissions(root.join(folder), fs::Permissions::from_mode(0o000)).unwrap();
    }
    let (files, summary) = check(Storage::disk(root).unwrap()).await;
    assert_said(
        &files,
        "a.example/locked/",
        "unchecked: the folder may not be read",
    );
    assert_said(&files, "lost+found/", "skipped");
    assert_said(&files, "z.example/m/@v/v1.0.0.mod", "good");
    assert_eq!((files.len(), summary.is_good()), (3, false));
    fs::set_permissions(
        root.join("a.example/locked"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_may_not_be_read_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join(".staging")).unwrap();
    let words = folder.path().to_str().unwrap();
    let test = "changing::in_a_process_without_permission";
    let process = Respawned::start_as_nobody(test, &[words], folder.path());
    process.passed().await;
}
