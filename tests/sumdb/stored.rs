//! Files that are stored already against the database.

use tower_goproxy::check::{Check, Remove, Verdict};
use tower_goproxy::{Storage, Target};

use crate::core::{content, key};
use crate::database::{Database, EMPTY_MOD, EMPTY_ZIP};
use crate::scene::{LARGE, MOD, ZIP, add_true_records, sumdb};
use crate::support::{Kept, within_minutes};

/// The verdicts, by path.
async fn verdicts(
    storage: Storage,
    database: &Database,
    remove: Remove,
    is_public: fn(&Target<'_>) -> bool,
) -> Vec<(String, Verdict)> {
    let sumdb = sumdb(database).exclude("excluded.example");
    let check = Check::new(storage).remove(remove).sumdb(sumdb, is_public);
    let mut checking = check.start().await.unwrap();
    let mut files = Vec::new();
    while let Some(file) = within_minutes(checking.next()).await.unwrap() {
        files.push((file.path, file.verdict));
    }
    files
}

async fn stored() -> Kept {
    let kept = Kept::in_memory();
    for path in [MOD, ZIP, LARGE] {
        kept.write(key(path), content(path)).await;
    }
    kept
}

fn reasons(files: &[(String, Verdict)]) -> Vec<String> {
    let reasons = files.iter().map(|(_, verdict)| match verdict {
        Verdict::Good => "good".to_owned(),
        Verdict::Wrong(reason) => format!("wrong: {reason}"),
        Verdict::Unconfirmed(reason) => format!("unconfirmed: {reason}"),
        Verdict::Unchecked(reason) => format!("unchecked: {reason}"),
        other => panic!("{other:?}"),
    });
    reasons.collect()
}

#[tokio::test]
async fn what_the_database_says_decides() {
    let kept = stored().await;
    let database = Database::with_records(3);
    let check = async |remove| {
        let files = verdicts(kept.storage(), &database, remove, |_| true).await;
        reasons(&files)
    };
    for reason in check(Remove::Wrong).await {
        assert!(reason.starts_with("unconfirmed: "), "{reason}");
    }
    database.set_away(true);
    for reason in check(Remove::Wrong).await {
        assert!(reason.starts_with("unchecked: "), "{reason}");
    }
    database.set_away(false);
    add_true_records(&database).await;
    assert_eq!(check(Remove::Wrong).await, ["good"; 3]);
    // Nobody may have a file deleted by a lie.
    database.tamper(|_, mut body| {
        body.push(b'x');
        body
    });
    for reason in check(Remove::Wrong).await {
        assert!(reason.starts_with("unchecked: "), "{reason}");
    }
    assert_eq!(kept.names().await.len(), 3);
}

#[tokio::test]
async fn a_file_with_another_hash_than_that_of_the_database_is_wrong() {
    let kept = stored().await;
    let database = Database::with_records(3);
    for module in ["example.com/m", "example.com/large"] {
        database.add(module, "v1.0.0", EMPTY_ZIP, EMPTY_MOD);
    }
    let files = verdicts(kept.storage(), &database, Remove::Wrong, |_| true).await;
    for reason in reasons(&files) {
        assert!(reason.starts_with("wrong: checksum mismatch"), "{reason}");
    }
    assert!(kept.names().await.is_empty());
}

/// The hash beside a zip is a file like any other, and may be wrong itself.
#[tokio::test]
async fn no_zip_that_the_database_confirms_goes_for_the_hash_beside_it() {
    let database = Database::with_records(3);
    add_true_records(&database).await;
    let beside = format!("{}hash", key(ZIP));
    for remove in [Remove::Nothing, Remove::Wrong] {
        let kept = stored().await;
        kept.write(&beside, EMPTY_ZIP).await;
        let files = verdicts(kept.storage(), &database, remove, |_| true).await;
        let zip = files.iter().find(|(path, _)| path == key(ZIP)).unwrap();
        assert_eq!(zip.1, Verdict::Good);
        assert_eq!(kept.all_names().await.len(), 4);
    }
    // While it cannot be asked nothing is certain.
    database.set_away(true);
    let kept = stored().await;
    kept.write(&beside, EMPTY_ZIP).await;
    let files = verdicts(kept.storage(), &database, Remove::Wrong, |_| true).await;
    let zip = files.iter().find(|(path, _)| path == key(ZIP)).unwrap();
    assert!(matches!(zip.1, Verdict::Unchecked(_)), "{zip:?}");
    assert_eq!(kept.all_names().await.len(), 4);
}

#[tokio::test]
async fn the_database_never_hears_of_what_may_be_private() {
    let owner = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let kept = Kept::in_memory();
    for area in [
        "@direct/",
        "@private/",
        &format!("@for/{owner}/"),
        &format!("@for/{owner}/@included/"),
    ] {
        kept.write(&format!("{area}{}", key(MOD)), content(MOD))
            .await;
    }
    for module in ["excluded.example/team/m", "private.example/m"] {
        let mod_file = format!("module {module}\n");
        kept.write(&format!("{module}/@v/v1.0.0.mod"), mod_file)
            .await;
    }
    // Without a hash to compare.
    kept.write("example.com/m/@v/v1.0.0.info", r#"{"Version":"v1.0.0"}"#)
        .await;
    let database = Database::with_records(3);
    let is_public = |target: &Target<'_>| !target.module().is_within("private.example");
    let files = verdicts(kept.storage(), &database, Remove::Nothing, is_public).await;
    assert_eq!(reasons(&files), ["good"; 7]);
    assert_eq!(database.requests(), [""; 0]);
}
