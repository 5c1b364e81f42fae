//! A storage on disk is a static module proxy.

use std::fs;
use std::path::{Path, PathBuf};

use http::StatusCode;
use sha2::{Digest as _, Sha256};
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;

use super::fixtures::{ZIP, files, large_zip, proxy, registry};
use super::support::storages::files as files_of;
use super::support::{Answer, Gate, Source, ask, get, whole, within, within_minutes};

fn paths(paths: &[&str]) -> Vec<PathBuf> {
    paths.iter().map(PathBuf::from).collect()
}

#[tokio::test(start_paused = true)]
async fn a_file_lies_at_its_escaped_path_and_nothing_else_is_there() {
    within(async {
        let folder = tempfile::tempdir().unwrap();
        let layer = FillLayer::new(Storage::disk(folder.path()).unwrap()).area(Area::Included);
        let source = registry();
        for (path, _) in files() {
            ask(&proxy(&layer, &source), get(path)).await;
        }
        for odd in [
            "/git.example.com/~user/mod/@v/v0.1.0.mod",
            "/example.com/old/@v/v3.0.0+incompatible.mod",
            "/github.com/%21burnt%21sushi/toml/@v/v1.0.0-%21r%21c.1.mod",
        ] {
            let any = Source::new(|_| Answer::new(["module example.com/any\n"]));
            let response = ask(&proxy(&layer, &any), get(odd)).await;
            assert_eq!(response.status(), StatusCode::OK, "{odd}");
        }
        layer.fills().idle().await;
        let expected = paths(&[
            "example.com/!mod/@v/v1.0.0.info",
            "example.com/!mod/@v/v1.0.0.mod",
            "example.com/!mod/@v/v1.0.0.zip",
            "example.com/old/@v/v3.0.0+incompatible.mod",
            "git.example.com/~user/mod/@v/v0.1.0.mod",
            "github.com/!burnt!sushi/toml/@v/v1.0.0-!r!c.1.mod",
        ]);
        assert_eq!(files_of(folder.path()), expected);
        for (path, content) in files() {
            assert_eq!(fs::read(folder.path().join(&path[1..])).unwrap(), content);
        }
    })
    .await;
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn stored_files_have_the_modes_of_any_new_file() {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    within(async {
        let folder = tempfile::tempdir().unwrap();
        let any = tempfile::tempdir().unwrap();
        fs::write(any.path().join("file"), "").unwrap();
        fs::create_dir(any.path().join("folder")).unwrap();
        let layer = FillLayer::new(Storage::disk(folder.path()).unwrap()).area(Area::Included);
        // One that is staged from the beginning, and those that stay in memory until the end.
        let source = Source::new(|request| match &*request.path {
            "/example.com/!mod/@v/v1.0.0.zip" => Answer::in_parts(large_zip(), 100_000),
            _ => Answer::new(["module example.com/Mod\n"]),
        });
        for path in [ZIP, "/example.com/!mod/@v/v1.0.0.mod"] {
            ask(&proxy(&layer, &source), get(path)).await;
            layer.fills().idle().await;
            let stored = folder.path().join(&path[1..]);
            assert_eq!(mode(&stored), mode(&any.path().join("file")), "{path}");
            assert_eq!(
                mode(stored.parent().unwrap()),
                mode(&any.path().join("folder"))
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn files_that_somebody_else_has_put_there_are_hits() {
    within(async {
        let folder = tempfile::tempdir().unwrap();
        let layer = FillLayer::new(Storage::disk(folder.path()).unwrap()).area(Area::Included);
        let source = Source::new(|_| Answer::text(StatusCode::NOT_FOUND, "not found"));
        for (path, content) in files() {
            let file = folder.path().join(&path[1..]);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, &content).unwrap();
            let response = ask(&proxy(&layer, &source), get(path)).await;
            assert_eq!(response.headers()["cache-status"], "tower-goproxy; hit");
            assert_eq!(whole(response.into_body()).await.unwrap(), content);
        }
        assert_eq!(source.requests().total(), 0);
    })
    .await;
}

/// So that a client may come back with it after a restart, and to another proxy with the same files.
#[tokio::test(start_paused = true)]
async fn the_tag_of_a_small_file_is_the_sha256_of_its_content() {
    within(async {
        let source = registry();
        for _ in 0..2 {
            let folder = tempfile::tempdir().unwrap();
            let layer = FillLayer::new(Storage::disk(folder.path()).unwrap()).area(Area::Included);
            for (path, content) in files() {
                ask(&proxy(&layer, &source), get(path)).await;
                layer.fills().idle().await;
                let hit = ask(&proxy(&layer, &source), get(path)).await;
                let hash = Sha256::digest(&content);
                let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(hit.headers()["etag"], format!("\"{hash}\""));
            }
        }
    })
    .await;
}

/// Another one is another file, also if it is as long.
#[tokio::test]
async fn a_large_file_that_takes_the_place_of_another_has_another_tag() {
    within_minutes(async {
        let folder = tempfile::tempdir().unwrap();
        let layer = FillLayer::new(Storage::disk(folder.path()).unwrap()).area(Area::Included);
        let source = Source::serving(ZIP, Answer::new([large_zip()]));
        let proxy = proxy(&layer, &source);
        ask(&proxy, get(ZIP)).await;
        layer.fills().idle().await;
        let tag = async || ask(&proxy, get(ZIP)).await.headers()["etag"].clone();
        let first = tag().await;
        assert_eq!(tag().await, first);

        let file = folder.path().join(&ZIP[1..]);
        let other = file.with_extension("new");
        fs::write(&other, vec![0; large_zip().len()]).unwrap();
        fs::rename(other, file).unwrap();
        assert_ne!(tag().await, first);
    })
    .await;
}

/// The one that was written while it came, under its name: the last byte costs no second writing.
#[cfg(unix)]
#[tokio::test]
async fn a_large_file_is_published_without_being_copied() {
    use std::os::unix::fs::MetadataExt as _;

    within_minutes(async {
        let folder = tempfile::tempdir().unwrap();
        let layer = FillLayer::new(Storage::disk(folder.path()).unwrap()).area(Area::Included);
        let gate = Gate::closed();
        let answer = Answer::in_parts(large_zip(), 100_000).gated(&gate);
        let response = ask(&proxy(&layer, &Source::serving(ZIP, answer)), get(ZIP)).await;
        gate.allow(5);

        let staging = folder.path().join(".staging");
        let staged = loop {
            if let [name] = &*files_of(&staging) {
                break staging.join(name);
            }
            tokio::task::yield_now().await;
        };
        // Held open, so that its number is not given to another file.
        let staged = fs::File::open(staged).unwrap();
        assert!(!folder.path().join(&ZIP[1..]).exists());

        gate.open();
        assert_eq!(whole(response.into_body()).await.unwrap(), large_zip());
        layer.fills().idle().await;
        let stored = fs::metadata(folder.path().join(&ZIP[1..])).unwrap();
        let staged = staged.metadata().unwrap();
        assert_eq!((stored.dev(), stored.ino()), (staged.dev(), staged.ino()));
        assert_eq!(stored.len(), large_zip().len() as u64);
    })
    .await;
}
