//! What a check removes, and what stays.

use http_body_util::BodyExt as _;
use tower_goproxy::check::{Check, Remove};
use tower_goproxy::{Storage, Target};

use crate::core::{
    HIT, STORED, content, fetch, key, large, layer, mod_file, proxy, registry, small,
};
use crate::scene::{MOD, OWNER, assert_said, both, damaged, rest, start};
use crate::support::{ask, get, read, within};

async fn remove(storage: &Storage, what: Remove) -> Vec<tower_goproxy::check::Checked> {
    let check = Check::new(storage.clone()).remove(what);
    rest(&mut start(check).await).await.0
}

#[tokio::test]
async fn a_wrong_file_goes_with_its_hash_and_is_fetched_anew() {
    for kept in both() {
        let (storage, source) = (kept.storage(), registry());
        let layer = layer(storage.clone());
        let proxy = proxy(&layer, &source);
        for path in [small(0), large(0), mod_file(0)] {
            fetch(&proxy, &path).await.assert_file(&path, STORED);
            within(layer.fills().idle()).await;
        }
        let wrong = [small(0), large(0)];
        for path in &wrong {
            kept.write(key(path), damaged(&content(path))).await;
        }
        // It is in memory as well now.
        assert_eq!(fetch(&proxy, &small(0)).await.cache_status(), HIT);

        let files = remove(&storage, Remove::Wrong).await;
        for path in &wrong {
            assert_said(&files, key(path), "wrong: .zip has ");
            assert!(
                files
                    .iter()
                    .any(|file| file.path == key(path) && file.removed)
            );
        }
        assert_eq!(kept.all_names().await, [key(&mod_file(0))]);
        for path in &wrong {
            fetch(&proxy, path).await.assert_file(path, STORED);
            within(layer.fills().idle()).await;
            fetch(&proxy, path).await.assert_file(path, HIT);
        }
    }
}

#[tokio::test]
async fn a_client_that_reads_a_removed_file_gets_all_of_it() {
    for kept in both() {
        let (storage, source) = (kept.storage(), registry());
        let zip = damaged(&content(&large(0)));
        kept.write(key(&large(0)), zip.clone()).await;
        let layer = layer(storage.clone());
        let response = ask(&proxy(&layer, &source), get(&large(0))).await;
        let mut body = response.into_body();
        let mut got = read(&mut body, 100_000).await.unwrap().to_vec();

        let files = remove(&storage, Remove::Wrong).await;
        assert_said(&files, key(&large(0)), "wrong: .zip has ");
        assert!(kept.all_names().await.is_empty());
        got.extend(body.collect().await.unwrap().to_bytes());
        assert!(got == zip, "{} bytes", got.len());
    }
}

#[tokio::test]
async fn right_copies_of_other_areas_and_the_reasons_of_removed_files_stay() {
    for kept in both() {
        let storage = kept.storage();
        let other = Target::parse("/example.com/m/@v/v1.1.0.mod")
            .unwrap()
            .unwrap();
        storage.remove(&other, "contains malware").await.unwrap();
        let copy = |area: &str| format!("{area}example.com/m/@v/v1.0.0.mod");
        let owned = format!("@for/{OWNER}/");
        for (area, text) in [
            ("", MOD),
            ("@direct/", "go 1.21\n"),
            ("@private/", MOD),
            (&owned, "go 1.21\n"),
        ] {
            kept.write(&copy(area), text).await;
        }
        let files = remove(&storage, Remove::Wrong).await;
        assert_said(
            &files,
            &copy("@direct/"),
            "wrong: .mod has no module line (removed)",
        );
        assert_said(
            &files,
            &copy(&owned),
            "wrong: .mod has no module line (removed)",
        );
        let record = "@records/removed/example.com/m/@v/v1.1.0.mod".to_owned();
        assert_eq!(
            kept.all_names().await,
            [copy("@private/"), record, copy("")]
        );
        assert_eq!(storage.removed().await.unwrap(), [other.as_str()]);
    }
}

#[tokio::test]
async fn strays_stay_unless_they_are_to_go_too() {
    for kept in both() {
        let strays = [
            "@for/alice/readme.txt",
            "@types/node/index.d.ts",
            "example.com/M/@v/v1.0.0.mod",
            "example.com/m/@v/v1.0.0.ziphash",
            "readme.txt",
        ];
        for path in strays {
            kept.write(path, "h1:x").await;
        }
        kept.write("example.com/m/@v/v1.1.0.mod", "").await;
        kept.write("example.com/m/@v/v1.1.0.lock", "x").await;
        let files = remove(&kept.storage(), Remove::Wrong).await;
        assert!(files.iter().all(|file| !file.removed));
        assert_eq!(kept.all_names().await.len(), 7);
        let files = remove(&kept.storage(), Remove::WrongAndStray).await;
        assert_said(
            &files,
            "@for/alice/readme.txt",
            "stray: no module has a file of this name (removed)",
        );
        // It may be another folder than that of the storage.
        let stay = [
            "@types/node/index.d.ts",
            "example.com/m/@v/v1.1.0.lock",
            "readme.txt",
        ];
        assert_eq!(kept.all_names().await, stay);
    }
}
