//! A proxy over a folder, and clients that say what they got.

use std::path::Path;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::BodyExt as _;
use tokio::task::JoinHandle;
use tower::{Layer as _, ServiceExt as _};
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer, OnMiss};
use tower_goproxy::source::Area;
use tower_goproxy::source::Tasks;

use super::support::large_module_zip;
use super::support::plain_source::{PlainSource, Source};

pub(crate) const KEY: &str = "example.com/m/@v/v1.0.0.zip";
const STORED: &str = "tower-goproxy; fwd=miss; stored";
const NOT_STORED: &str = "tower-goproxy; fwd=miss";

/// One that stays in memory, and one that is staged while it comes.
pub(crate) const SIZES: [usize; 2] = [100_000, 3 << 20];

pub(crate) struct Proxy {
    pub(crate) source: PlainSource,
    pub(crate) on_miss: OnMiss,
    pub(crate) fill: Fill<Source>,
    pub(crate) fills: Tasks,
}

/// Status, `Cache-Status`, and the body, or where it broke.
pub(crate) type Got = (StatusCode, String, Result<Bytes, String>);

impl Proxy {
    /// The source is closed at first.
    pub(crate) fn new(folder: &Path, size: usize, on_miss: OnMiss) -> Self {
        let zip = large_module_zip("example.com/m", "v1.0.0", size);
        Self::of(folder, PlainSource::new(zip).closed(), on_miss)
    }

    pub(crate) fn of(folder: &Path, source: PlainSource, on_miss: OnMiss) -> Self {
        let layer = FillLayer::new(Storage::disk(folder).unwrap())
            .area(Area::Included)
            .on_miss(on_miss.clone());
        Self {
            on_miss,
            fill: layer.layer(source.service()),
            source,
            fills: layer.fills(),
        }
    }

    pub(crate) fn ask(&self) -> JoinHandle<Got> {
        let request = Request::get(format!("/{KEY}")).body(()).unwrap();
        let fill = self.fill.clone();
        tokio::spawn(async move {
            let Ok(response) = fill.oneshot(request).await;
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

    /// Three clients ask, the source is opened, and each has the whole file.
    pub(crate) async fn is_harmless(&self, case: &str) {
        for (status, _, body) in self.asked_by_three().await {
            assert_eq!(status, StatusCode::OK, "{case}");
            self.assert_whole(body, case);
        }
    }

    /// The file cannot be kept, and so not be checked before it is sent: each of three clients gets the source's own
    /// response, or is refused.
    pub(crate) async fn is_not_shared(&self, case: &str) {
        let before = self.source.asked();
        for (status, cache_status, body) in self.asked_by_three().await {
            assert_eq!(cache_status, NOT_STORED, "{case}");
            match self.on_miss {
                OnMiss::Wait => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{case}"),
                _ => self.assert_whole(body, case),
            }
        }
        if !matches!(self.on_miss, OnMiss::Wait) {
            assert_eq!(self.source.asked(), before + 3, "{case}");
        }
    }

    /// Three clients ask, and nobody gets a whole file: a head says so, or the body breaks.
    pub(crate) async fn breaks(&self, case: &str) {
        for (status, _, body) in self.asked_by_three().await {
            match status {
                StatusCode::OK => assert!(body.is_err(), "{case}: looks whole"),
                _ => assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{case}"),
            }
        }
    }

    pub(crate) async fn asked_by_three(&self) -> Vec<Got> {
        let clients = [(); 3].map(|()| self.ask());
        self.source.open();
        let mut all = Vec::new();
        for client in clients {
            all.push(client.await.unwrap());
        }
        self.fills.idle().await;
        all
    }

    pub(crate) async fn stores_again(&self, case: &str) {
        let before = self.source.asked();
        let (status, cache_status, body) = self.ask().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{case}");
        // That the storage takes files again is not known before it has taken this one.
        let streams = matches!(self.on_miss, OnMiss::Stream);
        let is_early = streams && !self.is_large() && cache_status == NOT_STORED;
        assert!(is_early || cache_status == STORED, "{case}: {cache_status}");
        self.assert_whole(body, case);
        self.fills.idle().await;
        assert_eq!(self.source.asked(), before + 1, "{case}");
    }

    pub(crate) async fn is_a_hit(&self, case: &str) {
        let before = self.source.asked();
        let (_, cache_status, body) = self.ask().await.unwrap();
        assert_eq!(cache_status, "tower-goproxy; hit", "{case}");
        self.assert_whole(body, case);
        assert_eq!(self.source.asked(), before, "{case}");
    }

    pub(crate) fn is_large(&self) -> bool {
        self.source.file().len() > 1 << 20
    }

    pub(crate) fn assert_whole(&self, body: Result<Bytes, String>, case: &str) {
        let body = body.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert!(body == *self.source.file(), "{case}: {} bytes", body.len());
    }
}
