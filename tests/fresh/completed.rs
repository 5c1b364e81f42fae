use http::StatusCode;
use tower::Layer as _;
use tower_goproxy::Storage;
use tower_goproxy::fill::{FillLayer, OnMiss};
use tower_goproxy::fresh::{Complete, FreshLayer};
use tower_goproxy::source::Area;

use super::fixtures::{MAIN, Proxy, Script, broken, info};
use super::support::{Gate, Kept, Recorded, Source, quiet, within};

const FILES: [&str; 3] = ["info", "mod", "zip"];

/// Which files of a version are there once a client has had this one.
async fn left_by(complete: Complete, file: &str) -> Vec<&'static str> {
    let (script, kept) = (Script::default(), Kept::in_memory());
    script.add("example.com/m", "v1.0.0");
    let (source, storage) = (script.source(), kept.storage());
    let layer = FreshLayer::new(storage.clone()).complete(complete);
    let proxy = Proxy::with(layer, &storage, &source);
    for _ in 0..2 {
        let got = proxy.get(&format!("/example.com/m/@v/v1.0.0.{file}")).await;
        assert_eq!(got.status, StatusCode::OK);
        proxy.idle().await;
    }
    // Each was fetched once.
    let names = kept.names().await;
    assert_eq!(
        source.requests().total(),
        names.iter().filter(|name| !name.starts_with('@')).count()
    );
    let there = FILES
        .iter()
        .filter(|file| names.contains(&format!("example.com/m/@v/v1.0.0.{file}")));
    there.copied().collect()
}

#[tokio::test(start_paused = true)]
async fn behind_a_file_the_others_of_its_version_are_fetched() {
    within(async {
        for (complete, file, expected) in [
            (Complete::Zips, "zip", &FILES[..]),
            (Complete::Zips, "mod", &["mod"]),
            (Complete::Zips, "info", &["info"]),
            (Complete::All, "zip", &FILES),
            (Complete::All, "mod", &FILES),
            (Complete::All, "info", &FILES),
            (Complete::Nothing, "zip", &["zip"]),
        ] {
            assert_eq!(
                left_by(complete, file).await,
                expected,
                "{complete:?} {file}"
            );
        }
        assert_eq!(Complete::default(), Complete::Zips);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_version_that_a_branch_names_is_stored_under_its_own_name_and_its_zip_is_not_fetched() {
    within(async {
        let version = "v0.0.0-20240102030405-abcdef012345";
        let script = Script::default();
        script
            .add("example.com/m", version)
            .set(MAIN, info(version));
        let (source, storage) = (script.source(), Storage::memory());
        let proxy = Proxy::new(&storage, &source);
        assert_eq!(proxy.get(MAIN).await.status, StatusCode::OK);
        proxy.idle().await;
        script.down(broken());
        let at = format!("/example.com/m/@v/{version}");
        assert_eq!(
            proxy.get(&format!("{at}.info")).await.status,
            StatusCode::OK
        );
        assert_eq!(source.requests().count(&format!("{at}.zip")), 0);
        assert_eq!(source.requests().total(), 2);
    })
    .await;
}

/// `GOPROXY=ours,other`: `go build` with a complete go.sum asks for the `.zip` first.
#[tokio::test(start_paused = true)]
async fn a_zip_that_is_fetched_behind_a_404_is_completed_too() {
    within(async {
        for on_miss in [
            OnMiss::NotFound,
            OnMiss::redirect("https://registry.test").unwrap(),
        ] {
            let (script, kept) = (Script::default(), Kept::in_memory());
            script.add("example.com/m", "v1.0.0");
            let (source, storage) = (script.source(), kept.storage());
            let fresh = FreshLayer::new(storage.clone());
            let fill = FillLayer::new(storage)
                .area(Area::Included)
                .on_miss(on_miss);
            let app = fresh.layer(fill.layer(source.clone()));
            let proxy = Proxy { app, fresh, fill };
            for _ in 0..3 {
                proxy.get("/example.com/m/@v/v1.0.0.zip").await;
            }
            proxy.idle().await;
            for file in FILES {
                let name = format!("example.com/m/@v/v1.0.0.{file}");
                assert!(kept.names().await.contains(&name), "{name}");
            }
            assert_eq!(source.requests().total(), 3);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_completes_a_version_takes_no_slot_that_a_client_waits_for() {
    within(async {
        let (script, gate) = (Script::default(), Gate::closed());
        for version in ["v1.0.0", "v1.1.0", "v1.2.0"] {
            script.add("example.com/m", version);
        }
        let held = gate.clone();
        let source = Source::new(move |request: &Recorded| {
            let answer = script.answer(request);
            match request.path.ends_with(".zip") {
                true => answer.withheld(&held),
                false => answer,
            }
        });
        let storage = Storage::memory();
        let fresh = FreshLayer::new(storage.clone()).complete(Complete::All);
        let fill = FillLayer::new(storage).area(Area::Included).max_fills(1);
        let app = fresh.layer(fill.layer(source.clone()));
        let proxy = Proxy { app, fresh, fill };
        let path = |minor: u8, file| format!("/example.com/m/@v/v1.{minor}.0.{file}");
        let get = async |minor, file| {
            let got = proxy.get(&path(minor, file)).await;
            assert_eq!(got.status, StatusCode::OK);
        };
        let later = async {
            quiet().await;
            // Its zip waits before that of the next client.
            get(1, "info").await;
            quiet().await;
            let open = async {
                quiet().await;
                gate.open();
            };
            tokio::join!(get(2, "zip"), open);
        };
        tokio::join!(get(0, "zip"), later);
        proxy.idle().await;
        let asked = source.requests().all().into_iter().map(|one| one.path);
        let zips: Vec<_> = asked.filter(|path| path.ends_with(".zip")).collect();
        assert_eq!(zips, [0, 2, 1].map(|minor| path(minor, "zip")));
    })
    .await;
}
