//! A proxy that verifies against a made-up database.

use bytes::Bytes;
use http::Method;
use tower::Layer as _;
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer, OnMiss};
use tower_goproxy::source::Area;
use tower_goproxy::sumdb::SumDb;

use crate::check::whole;
use crate::core::{Got, content, fetch, registry};
use crate::database::{Database, KEY};
use crate::support::Source;

pub const MOD: &str = "/example.com/m/@v/v1.0.0.mod";
pub const ZIP: &str = "/example.com/m/@v/v1.0.0.zip";
pub const LARGE: &str = "/example.com/large/@v/v1.0.0.zip";

pub fn sumdb(database: &Database) -> SumDb {
    SumDb::with_client(KEY, database.client()).unwrap()
}

pub struct Scene {
    pub layer: FillLayer<Area>,
    pub proxy: Fill<Source>,
}

impl Scene {
    pub fn new(sumdb: SumDb) -> Self {
        Self::with(sumdb, OnMiss::Stream)
    }

    pub fn with(sumdb: SumDb, on_miss: OnMiss) -> Self {
        let storage = Storage::memory();
        let sumdb = sumdb.storage(storage.clone());
        Self::over(storage, sumdb, on_miss)
    }

    pub fn over(storage: Storage, sumdb: SumDb, on_miss: OnMiss) -> Self {
        let layer = FillLayer::new(storage)
            .area(Area::Included)
            .on_miss(on_miss);
        let layer = layer.verify(sumdb);
        let proxy = layer.layer(registry());
        Self { layer, proxy }
    }

    pub async fn get(&self, path: &str) -> Got {
        let got = fetch(&self.proxy, path).await;
        crate::support::within(self.layer.fills().idle()).await;
        got
    }

    /// Whether it is stored: a client that wants stored files alone gets it.
    pub async fn has(&self, path: &str) -> bool {
        let request =
            crate::support::request(Method::GET, path, &[("disable-module-fetch", "true")]);
        crate::core::send(&self.proxy, request).await.status == 200
    }
}

/// What the registry has, in the database.
pub async fn add_true_records(database: &Database) {
    for module in ["example.com/m", "example.com/large"] {
        let hash = async |extension: &str| {
            let path = format!("/{module}/@v/v1.0.0.{extension}");
            let content: Bytes = content(&path);
            whole(&path, &content).await.unwrap().unwrap()
        };
        database.add(module, "v1.0.0", &hash("zip").await, &hash("mod").await);
    }
}
