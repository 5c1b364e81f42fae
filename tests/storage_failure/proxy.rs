//! A proxy over a store that goes wrong, and its clients.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tokio::task::JoinHandle;
use tower::{Layer as _, ServiceExt as _};
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer, Fills, OnMiss};

use super::support::faulty_store::FaultyStore;
use super::support::plain_source::{PlainSource, Source};

pub const PATH: &str = "/example.com/m/@v/v1.0.0.zip";
pub const HIT: &str = "tower-goproxy; hit";

/// One put, and three parts.
pub const SIZES: [usize; 2] = [100_000, 12 << 20];

pub struct Proxy {
    pub store: FaultyStore,
    pub source: PlainSource,
    pub fill: Fill<Source>,
    pub fills: Fills,
}

/// What a client got: status, `Cache-Status`, and the body, or where it broke.
pub type Got = (StatusCode, String, Result<Bytes, String>);

impl Proxy {
    pub fn new(store: FaultyStore, source: PlainSource, on_miss: OnMiss) -> Self {
        let layer = FillLayer::new(Storage::new(Arc::new(store.clone()))).on_miss(on_miss);
        Self {
            store,
            fill: layer.layer(source.service()),
            source,
            fills: layer.fills(),
        }
    }

    pub fn ask(&self, request: http::request::Builder) -> JoinHandle<Got> {
        let request = request.uri(PATH).body(()).unwrap();
        let fill = self.fill.clone();
        tokio::spawn(async move {
            let response = fill
                .oneshot(request)
                .await
                .unwrap_or_else(|never| match never {});
            let status = response.status();
            let cache_status = response.headers()["cache-status"]
                .to_str()
                .unwrap()
                .to_owned();
            let body = response.into_body().collect().await;
            let body = body
                .map(|body| body.to_bytes())
                .map_err(|error| error.to_string());
            (status, cache_status, body)
        })
    }

    pub async fn get(&self) -> Got {
        self.ask(Request::get("/"))
            .await
            .expect("the client's task does not panic")
    }

    /// One client after the other asks while the fill runs.
    pub async fn get_by_three(&self) -> Vec<Got> {
        let clients = [(); 3].map(|()| self.ask(Request::get("/")));
        let mut all = Vec::new();
        for client in clients {
            all.push(client.await.expect("the client's task does not panic"));
        }
        all
    }

    /// A miss with the fault, a miss without, a hit.
    pub async fn is_harmless(&self, case: &str) {
        let file = self.source.file().clone();
        for (status, _, body) in self.get_by_three().await {
            assert_eq!(status, StatusCode::OK, "{case}");
            let body = body.unwrap_or_else(|error| panic!("{case}: {error}"));
            assert!(
                body == file,
                "{case}: {} bytes of {}",
                body.len(),
                file.len()
            );
        }
        self.fills.idle().await;
        assert!(self.store.struck() > 0, "{case}: nothing has gone wrong");
        assert_eq!(self.source.asked(), 1, "{case}");
        assert_eq!(self.store.names().await, [""; 0], "{case}");
        self.store.no_open_uploads().await;

        self.store.set(None);
        let (status, cache_status, body) = self.get().await;
        let miss = "tower-goproxy; fwd=miss; stored";
        assert_eq!(
            (status.as_u16(), cache_status.as_str()),
            (200, miss),
            "{case}"
        );
        assert!(body.unwrap() == file, "{case}");
        self.fills.idle().await;
        assert_eq!(self.source.asked(), 2, "{case}");
        let (_, cache_status, body) = self.get().await;
        assert_eq!(cache_status, HIT, "{case}");
        assert!(body.unwrap() == file, "{case}");
    }
}
