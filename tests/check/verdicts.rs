//! What is said of each kind of file.

use bytes::Bytes;
use tower_goproxy::Target;
use tower_goproxy::fill::OnMiss;
use tower_goproxy::verify::{GoModuleFiles, Verify as _, WholeFile};

use crate::core::{content, fetch, in_parts, info, key, large, layer, mod_file, proxy, small};
use crate::scene::{MOD, OWNER, assert_said, both, check, damaged};
use crate::support::{incompressible, module_zip, truncated, within, zip_with_wrong_prefix};

async fn hash(path: &str) -> String {
    let target = Target::parse(path).unwrap().unwrap();
    let file = WholeFile::from(content(path));
    let dirhash = file.dirhash().clone();
    GoModuleFiles::new().start(&target).finish(file).await;
    dirhash.get().expect("it is a right zip").to_owned()
}

#[tokio::test]
async fn right_files_are_good_and_wrong_ones_have_a_reason() {
    let other_version = r#"{"Version":"v1.9.9"}"#;
    for kept in both() {
        let mut expected = Vec::new();
        let mut add = async |path: String, content: Bytes, said: &'static str| {
            kept.write(key(&path), content).await;
            expected.push((key(&path).to_owned(), said));
        };
        for path in [info(0), mod_file(0), small(0), large(0)] {
            add(path.clone(), content(&path), "good").await;
        }
        let wrong = "wrong: .zip has ";
        add(small(1), damaged(&content(&small(1))).into(), wrong).await;
        add(large(1), damaged(&content(&large(1))).into(), wrong).await;
        add(large(2), truncated(&content(&large(2))).into(), wrong).await;
        let elsewhere = zip_with_wrong_prefix("example.com/m", "v1.2.0").into();
        add(small(2), elsewhere, "wrong: .zip has a file outside ").await;
        add(
            info(1),
            other_version.into(),
            "wrong: .info has another version",
        )
        .await;
        add(
            mod_file(1),
            "go 1.21\n".into(),
            "wrong: .mod has no module line",
        )
        .await;
        let long = format!("{MOD}// {}\n", "x".repeat(200_000));
        add(mod_file(2), long.into(), "good").await;
        let long = format!(r#"{{"Version":"v1.2.0","X":"{}"}}"#, "x".repeat(1 << 20));
        add(
            info(2),
            long.into(),
            // A proxy may be told to take larger ones.
            "unchecked: .info has more than 1048576 bytes",
        )
        .await;
        // It can only be read as a whole: something is in front of it.
        let behind = [b"#!/bin/sh\n", &content(&large(3))[..]].concat();
        add(large(3), behind.into(), "good").await;
        let behind = [b"#!/bin/sh\n", &damaged(&content(&large(4)))[..]].concat();
        add(large(4), behind.into(), wrong).await;

        let (files, summary) = check(kept.storage()).await;
        for (path, said) in &expected {
            assert_said(&files, path, said);
        }
        assert!(files.is_sorted_by(|a, b| a.path < b.path));
        assert_eq!(files.len(), expected.len());
        assert_eq!((summary.files(), summary.good, summary.wrong), (14, 6, 7));
        assert_eq!(summary.unchecked, 1);
        assert!(!summary.is_good() && summary.removed == 0);
    }
}

#[tokio::test]
async fn the_hash_beside_a_zip_is_compared_with_it() {
    for kept in both() {
        for n in [0, 1, 2, 3, 5] {
            kept.write(key(&small(n)), content(&small(n))).await;
        }
        let beside = |n| format!("{}hash", key(&small(n)));
        kept.write(&beside(0), hash(&small(0)).await).await;
        kept.write(&beside(1), format!("{}\n", hash(&small(1)).await))
            .await;
        kept.write(&beside(2), hash(&small(0)).await).await;
        kept.write(&beside(3), "sha256:abc").await;
        kept.write(&beside(4), hash(&small(0)).await).await;
        kept.write(&beside(5), format!("h1:{}", "x".repeat(2000)))
            .await;

        let (files, summary) = check(kept.storage()).await;
        let by = format!(
            "wrong: it has {}, and {}",
            hash(&small(2)).await,
            hash(&small(0)).await
        );
        for (path, said) in [
            (key(&small(0)), "good"),
            (key(&small(1)), "good"),
            (key(&small(2)), &*by),
            (key(&small(3)), "good"),
            (key(&small(5)), "good"),
            (&beside(0), "good"),
            (&beside(2), "good"),
            (&beside(3), "stray: it is not a hash"),
            (&beside(4), "stray: there is no .zip beside it"),
            (&beside(5), "stray: it is not a hash"),
        ] {
            assert_said(&files, path, said);
        }
        assert_eq!((summary.wrong, summary.stray), (1, 3));
    }
}

#[tokio::test]
async fn each_area_is_checked_by_the_same_rules() {
    let owned = format!("@for/{OWNER}/");
    let included = format!("@for/{OWNER}/@included/");
    for kept in both() {
        let areas = ["", "@direct/", "@private/", &owned, &included];
        for (right, area) in areas.iter().enumerate() {
            for area_of_file in areas {
                let file = format!("{area_of_file}example.com/m/@v/v1.{right}.0.mod");
                let text = if *area == area_of_file {
                    "go 1.21\n"
                } else {
                    MOD
                };
                kept.write(&file, text).await;
            }
        }
        let (files, summary) = check(kept.storage()).await;
        assert_eq!((summary.good, summary.wrong), (20, 5));
        for (right, area) in areas.iter().enumerate() {
            let file = format!("{area}example.com/m/@v/v1.{right}.0.mod");
            assert_said(&files, &file, "wrong: .mod has no module line");
        }
    }
}

#[tokio::test]
async fn names_that_no_module_has_and_empty_files_are_never_served() {
    for kept in both() {
        for path in [
            "readme.txt",
            "example.com/M/@v/v1.0.0.mod",
            "example.com/m/@v/v1.0.0.mod.bak",
            "@for/alice/example.com/m/@v/v1.0.0.mod",
        ] {
            kept.write(path, MOD).await;
        }
        kept.write("example.com/m/@v/v1.0.0.mod", "").await;
        kept.write("example.com/m/@v/v1.0.0.ziphash", "").await;
        for path in [
            "@records/fresh/example.com/m/@v/list",
            "example.com/m/@v/list",
            "example.com/m/@v/v1.0.0.lock",
            "sumdb/sum.golang.org/lookup/example.com/m@v1.0.0",
        ] {
            kept.write(path, "x").await;
        }
        let (files, summary) = check(kept.storage()).await;
        assert_said(
            &files,
            "readme.txt",
            "stray: no module has a file of this name",
        );
        assert_said(&files, "example.com/m/@v/v1.0.0.mod", "stray: it is empty");
        assert_said(
            &files,
            "example.com/m/@v/v1.0.0.ziphash",
            "stray: it is empty",
        );
        assert_eq!(
            (summary.files(), summary.stray, summary.skipped),
            (10, 6, 4)
        );
        assert!(summary.is_good());
    }
}

#[tokio::test]
async fn a_file_on_its_way_into_the_storage_is_no_file_yet() {
    for kept in both() {
        let storage = kept.storage();
        let (source, gate) = in_parts();
        let layer = layer(storage.clone()).on_miss(OnMiss::Wait);
        let proxy = proxy(&layer, &source);
        let path = large(0);
        let filling = tokio::spawn({
            let (proxy, path) = (proxy.clone(), path.clone());
            async move { fetch(&proxy, &path).await }
        });
        gate.allow(4);
        within(async {
            while source.requests().count(&path) == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let (files, _) = check(storage.clone()).await;
        assert_eq!(files, []);
        gate.open();
        filling.await.unwrap().assert_status(200);
        within(layer.fills().idle()).await;
        let (files, summary) = check(storage).await;
        assert_said(&files, key(&path), "good");
        assert_eq!((summary.files(), summary.good), (2, 2));
    }
}

#[tokio::test]
async fn a_zip_that_cannot_be_followed_is_checked_all_the_same() {
    for kept in both() {
        let files: Vec<_> = (0..20)
            .map(|n| (format!("f{n}"), incompressible(30_000, n)))
            .collect();
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| (&**name, &**text))
            .collect();
        let mut zip = module_zip("example.com/m", "v1.0.0", &files);
        // An archive of a program: offsets count from behind it.
        zip.splice(0..0, incompressible(1000, 99));
        kept.write("example.com/m/@v/v1.0.0.zip", zip.clone()).await;
        kept.write("example.com/m/@v/v1.1.0.zip", damaged(&zip))
            .await;
        let (files, _) = check(kept.storage()).await;
        assert_said(&files, "example.com/m/@v/v1.0.0.zip", "good");
        assert_said(&files, "example.com/m/@v/v1.1.0.zip", "wrong");
    }
}
