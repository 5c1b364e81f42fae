//! Files of different sources and owners on one storage.

use tower::Layer as _;
use tower_goproxy::fill::{Fill, FillLayer};
use tower_goproxy::source::{Area, HasArea};
use tower_goproxy::{Access, Storage};

use crate::scene::{
    HIT, NOT_STORED, STORED, content, fetch, key, large, mod_file, registry, send, withheld,
};
use crate::support::{Kept, Source, get, quiet, within};

fn layer(storage: &Storage, area: Area) -> FillLayer<Area> {
    FillLayer::new(storage.clone()).area(area)
}

async fn fetch_as<S>(proxy: &Fill<Source>, path: &str, owner: S) -> crate::scene::Got
where
    S: Into<Option<&'static str>>,
{
    let mut request = get(path);
    if let Some(owner) = owner.into() {
        request.extensions_mut().insert(Access::new(owner));
    }
    send(proxy, request).await
}

on_each_storage! {
    async fn each_area_and_each_owner_has_files_of_its_own(storage: Storage) {
        for path in [mod_file(0), large(0)] {
            let mut sources = Vec::new();
            for area in [Area::Included, Area::Direct] {
                for owner in [None, Some("alice"), Some("bob")] {
                    let (layer, source) = (layer(&storage, area), registry());
                    let proxy = layer.layer(source.clone());
                    // What others have filled is no hit.
                    fetch_as(&proxy, &path, owner).await.assert_file(&path, STORED);
                    within(layer.fills().idle()).await;
                    fetch_as(&proxy, &path, owner).await.assert_file(&path, HIT);
                    sources.push(source);
                }
            }
            assert!(sources.iter().all(|source| source.requests().total() == 1));
        }
    }

    /// Also those that are being filled.
    async fn nobody_attaches_to_a_fill_of_another_owner(storage: Storage) {
        let (source, gate) = withheld();
        let layer = layer(&storage, Area::Direct);
        let proxy = layer.layer(source.clone());
        let mut clients = Vec::new();
        for owner in [None, Some("alice"), Some("bob"), Some("alice")] {
            let proxy = proxy.clone();
            clients.push(tokio::spawn(async move { fetch_as(&proxy, &large(0), owner).await }));
            quiet().await;
        }
        assert_eq!(source.requests().total(), 3);
        gate.open();
        for client in clients {
            client.await.unwrap().assert_status(200);
        }
        within(layer.fills().idle()).await;
    }

    async fn in_a_shared_layer_owners_have_the_files_of_all(storage: Storage) {
        let source = registry();
        let layer = layer(&storage, Area::Included).shared();
        let proxy = layer.layer(source.clone());
        for owner in [Some("alice"), Some("bob"), None] {
            fetch_as(&proxy, &large(0), owner).await.assert_status(200);
            within(layer.fills().idle()).await;
        }
        assert_eq!(source.requests().total(), 1);
    }

    /// What a service says of itself.
    async fn a_source_names_its_area(storage: Storage) {
        let direct = Named(registry(), Area::Direct);
        let layer = FillLayer::new(storage.clone());
        fetch(&layer.layer(direct.clone()), &large(0)).await.assert_file(&large(0), STORED);
        within(layer.fills().idle()).await;
        let included = Named(registry(), Area::Included);
        fetch(&layer.layer(included), &large(0)).await.assert_file(&large(0), STORED);
        within(layer.fills().idle()).await;
        fetch(&layer.layer(direct), &large(0)).await.assert_file(&large(0), HIT);
    }
}

#[derive(Clone)]
struct Named(Source, Area);

impl HasArea for Named {
    fn area(&self) -> Area {
        self.1
    }
}

impl<R> tower::Service<http::Request<R>> for Named {
    type Response = <Source as tower::Service<http::Request<R>>>::Response;
    type Error = <Source as tower::Service<http::Request<R>>>::Error;
    type Future = <Source as tower::Service<http::Request<R>>>::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Self::Error>> {
        tower::Service::<http::Request<R>>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, request: http::Request<R>) -> Self::Future {
        self.0.call(request)
    }
}

/// Included files have the layout that other tools know. The names of owners tell nobody anything.
#[tokio::test(start_paused = true)]
async fn the_folders_of_areas_and_owners() {
    for kept in [Kept::on_disk(), Kept::in_memory()] {
        for area in [Area::Included, Area::Direct] {
            for owner in [None, Some("alice@example.com")] {
                let layer = layer(&kept.storage(), area);
                let proxy = layer.layer(registry());
                fetch_as(&proxy, &mod_file(0), owner)
                    .await
                    .assert_status(200);
                within(layer.fills().idle()).await;
            }
        }
        let file = mod_file(0);
        let file = key(&file);
        let names = kept.names().await;
        assert_eq!(names.len(), 4);
        assert_eq!(
            names.iter().filter(|name| *name == file).count(),
            1,
            "{names:?}"
        );
        assert_eq!(
            names
                .iter()
                .filter(|name| **name == format!("@direct/{file}"))
                .count(),
            1
        );
        let owned = names.iter().filter(|name| name.starts_with("@for/"));
        assert_eq!(owned.count(), 2, "{names:?}");
        assert!(
            names
                .iter()
                .all(|name| name.ends_with(file) && !name.contains("alice"))
        );
    }
}

/// An owner cannot be named so that a path leads elsewhere.
#[tokio::test(start_paused = true)]
async fn an_owner_of_any_name_has_one_folder() {
    let kept = Kept::on_disk();
    for owner in ["", "../../x", "a/b", "@direct", "ü\0"] {
        let layer = layer(&kept.storage(), Area::Included);
        let proxy = layer.layer(registry());
        fetch_as(&proxy, &mod_file(0), owner)
            .await
            .assert_file(&mod_file(0), STORED);
        within(layer.fills().idle()).await;
        fetch_as(&proxy, &mod_file(0), owner)
            .await
            .assert_file(&mod_file(0), HIT);
    }
    let names = kept.names().await;
    assert_eq!(names.len(), 5);
    assert!(
        names.iter().all(|name| name.starts_with("@for/")),
        "{names:?}"
    );
}

/// A module that was included once and is direct now, or a bucket that was taken over.
#[tokio::test(start_paused = true)]
async fn what_lies_in_the_plain_layout_is_no_hit_for_a_direct_source() {
    let storage = Storage::memory();
    let included = layer(&storage, Area::Included);
    for path in [mod_file(0), large(0)] {
        fetch(&included.layer(registry()), &path)
            .await
            .assert_status(200);
        within(included.fills().idle()).await;
        let direct = layer(&storage, Area::Direct);
        let mut cached_only = get(&path);
        let yes = http::HeaderValue::from_static("true");
        cached_only
            .headers_mut()
            .insert("disable-module-fetch", yes);
        let got = send(&direct.layer(registry()), cached_only).await;
        got.assert_status(404);
        let got = fetch(&direct.layer(registry()), &path).await;
        assert!(got.body.as_ref().unwrap() == &content(&path));
        assert_ne!(got.cache_status(), HIT);
        assert_ne!(got.cache_status(), NOT_STORED);
        within(direct.fills().idle()).await;
    }
}
