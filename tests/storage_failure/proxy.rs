//! A proxy over a store that goes wrong, and its clients.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tokio::task::JoinHandle;
use tower::{Layer as _, ServiceExt as _};
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer, OnMiss};
use tower_goproxy::source::Area;
use tower_goproxy::source::Tasks;

use super::support::faulty_store::FaultyStore;
use super::support::plain_source::{PlainSource, Source};

pub const PATH: &str = "/example.com/m/@v/v1.0.0.zip";
pub const HIT: &str = "tower-goproxy; hit";
pub const MISS: &str = "tower-goproxy; fwd=miss";

/// One put, and three parts.
pub const SIZES: [usize; 2] = [100_000, 12 << 20];

pub struct Proxy {
    pub store: FaultyStore,
    pub source: PlainSource,
    pub fill: Fill<Source>,
    pub fills: Tasks,
}

/// What a client got: status, `Cache-Status`, and the body, or where it broke.
pub type Got = (StatusCode, String, Result<Bytes, String>);

impl Proxy {
    pub fn new(store: FaultyStore, source: PlainSource, on_miss: OnMiss) -> Self {
        let layer = FillLayer::new(Storage::new(Arc::new(store.clone())))
            .area(Area::Included)
            .on_miss(on_miss);
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

    /// A miss with the fault, a miss without, a hit. The clients share one fill.
    pub async fn is_harmless(&self, case: &str) {
        for (status, _, body) in self.get_by_three().await {
            assert_eq!(status, StatusCode::OK, "{case}");
            self.assert_whole(body, case);
        }
        self.fills.idle().await;
        assert_eq!(self.source.asked(), 1, "{case}");
        self.is_over(case).await;
    }

    /// The file cannot be checked before it is sent: each client gets the source's own response, or is refused.
    pub async fn is_not_shared(&self, waits: bool, case: &str) {
        for (status, cache_status, body) in self.get_by_three().await {
            assert_eq!(cache_status, MISS, "{case}");
            match waits {
                true => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{case}"),
                false => self.assert_whole(body, case),
            }
        }
        self.fills.idle().await;
        if !waits {
            assert_eq!(self.source.asked(), 3, "{case}");
        }
        self.is_over(case).await;
    }

    /// Something has gone wrong, and nothing is left of it.
    async fn is_over(&self, case: &str) {
        assert!(self.store.struck() > 0, "{case}: nothing has gone wrong");
        assert_eq!(self.store.names().await, [""; 0], "{case}");
        self.store.no_open_uploads().await;

        self.store.set(None);
        let asked = self.source.asked();
        let (status, cache_status, body) = self.get().await;
        assert_eq!(status, StatusCode::OK, "{case}");
        assert!(cache_status.starts_with(MISS), "{case}: {cache_status}");
        self.assert_whole(body, case);
        self.fills.idle().await;
        assert_eq!(self.source.asked(), asked + 1, "{case}");
        let (_, cache_status, body) = self.get().await;
        assert_eq!(cache_status, HIT, "{case}");
        self.assert_whole(body, case);
    }

    pub fn assert_whole(&self, body: Result<Bytes, String>, case: &str) {
        let body = body.unwrap_or_else(|error| panic!("{case}: {error}"));
        let file = self.source.file();
        let (got, all) = (body.len(), file.len());
        assert!(body == *file, "{case}: {got} bytes of {all}");
    }
}
