//! A proxy and what can happen to it.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt as _;
use tower::ServiceBuilder;
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer, OnDisconnect};
use tower_goproxy::source::Area;

use super::support::faulty_store::{Fault, FaultyStore, Step};
use super::support::{Answer, Framing, Gate, Source, ask, get, large_module_zip, quiet, within};

pub const KEY: &str = "example.com/m/@v/v1.0.0.zip";
pub const LIST: &str = "/example.com/m/@v/list";

pub fn zip() -> Bytes {
    large_module_zip("example.com/m", "v1.0.0", 300_000).into()
}

pub struct Scene {
    pub layer: FillLayer<Area>,
    pub source: Source,
}

impl Scene {
    pub fn new(storage: Storage, answer: Answer) -> Self {
        Self {
            layer: FillLayer::new(storage).area(Area::Included),
            source: Source::new(move |_| answer.clone()),
        }
    }

    fn proxy(&self) -> Fill<Source> {
        ServiceBuilder::new()
            .layer(&self.layer)
            .service(self.source.clone())
    }

    /// One client asks, and all that follows from it happens.
    pub async fn ask(&self, path: &str) {
        let response = ask(&self.proxy(), get(path)).await;
        // How it ends is not the question here.
        let _ = response.into_body().collect().await;
        within(self.layer.fills().idle()).await;
    }
}

/// A client misses, two attach, three hit, and one asks for what is not stored.
pub async fn an_ordinary_day() {
    let gate = Gate::closed();
    let answer = Answer::in_parts(zip(), 100_000).gated(&gate);
    let scene = Scene::new(Storage::memory(), answer);
    let path = format!("/{KEY}");
    let mut responses = Vec::new();
    for _ in 0..3 {
        responses.push(ask(&scene.proxy(), get(&path)).await);
    }
    gate.open();
    for response in responses {
        response.into_body().collect().await.unwrap();
    }
    within(scene.layer.fills().idle()).await;
    for path in [&*path, &path, &path, LIST] {
        scene.ask(path).await;
    }
}

/// A client misses, and the store goes wrong at this step.
pub async fn a_store_fails_at(step: Step) {
    let store = FaultyStore::new(step, Fault::Fail);
    let storage = Storage::new(Arc::new(store));
    Scene::new(storage, Answer::new([zip()]))
        .ask(&format!("/{KEY}"))
        .await;
}

/// A client hits, and the store goes wrong in the middle of the file.
pub async fn a_store_fails_in_a_hit() {
    let store = FaultyStore::sound();
    let storage = Storage::new(Arc::new(store.clone()));
    let scene = Scene::new(storage, Answer::new([zip()]));
    scene.ask(&format!("/{KEY}")).await;
    store.set(Some((Step::Read, Fault::Fail)));
    scene.ask(&format!("/{KEY}")).await;
}

/// A client misses, and meanwhile somebody makes a folder where its file is to be.
pub async fn a_folder_is_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::disk(folder.path()).unwrap();
    let gate = Gate::closed();
    let scene = Scene::new(storage, Answer::new([zip()]).withheld(&gate));
    let path = format!("/{KEY}");
    let made = async {
        scene.source.requests().arrived(1).await;
        std::fs::create_dir_all(folder.path().join(KEY)).unwrap();
        gate.open();
    };
    tokio::join!(scene.ask(&path), made);
}

/// The source has no such module, and then breaks off.
pub async fn a_source_fails() {
    let missing = Answer::text(http::StatusCode::NOT_FOUND, "not found: no such module");
    let cut = Answer::in_parts(zip(), 100_000).framing(Framing::Cut);
    for answer in [missing, cut] {
        Scene::new(Storage::memory(), answer)
            .ask(&format!("/{KEY}"))
            .await;
    }
}

/// The only client leaves in the middle.
pub async fn a_client_leaves() {
    let gate = Gate::closed();
    let mut scene = Scene::new(
        Storage::memory(),
        Answer::in_parts(zip(), 100_000).gated(&gate),
    );
    scene.layer = scene.layer.on_disconnect(OnDisconnect::Abort);
    drop(ask(&scene.proxy(), get(&format!("/{KEY}"))).await);
    quiet().await;
    within(scene.layer.fills().idle()).await;
}
