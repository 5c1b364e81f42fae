//! A registry that has every version of two modules, proxies in front of it, and what their clients get.

// Each test binary uses a part of it.
#![allow(dead_code)]

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use tokio::task::JoinHandle;
use tower::{Service, ServiceBuilder};
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer, ResponseBody};
use tower_goproxy::source::Area;

use crate::support::{Answer, Gate, Recorded, Source, ask, large_module_zip, module_zip, request};

pub const HIT: &str = "tower-goproxy; hit";
pub const STORED: &str = "tower-goproxy; fwd=miss; stored";
pub const ATTACHED: &str = "tower-goproxy; fwd=miss; collapsed";
pub const NOT_STORED: &str = "tower-goproxy; fwd=miss";

pub const LIST: &str = "/example.com/m/@v/list";
pub const LATEST: &str = "/example.com/m/@latest";
pub const BRANCH: &str = "/example.com/m/@v/main.info";

/// A zip of a few hundred bytes.
pub fn small(n: usize) -> String {
    format!("/example.com/m/@v/v1.{n}.0.zip")
}

/// A zip that is staged while it comes, and of which clients see the beginning before it is checked.
pub fn large(n: usize) -> String {
    format!("/example.com/large/@v/v1.{n}.0.zip")
}

pub fn info(n: usize) -> String {
    format!("/example.com/m/@v/v1.{n}.0.info")
}

pub fn mod_file(n: usize) -> String {
    format!("/example.com/m/@v/v1.{n}.0.mod")
}

/// Every kind of request for a module.
pub fn all_paths() -> [String; 7] {
    let [list, latest, branch] = [LIST, LATEST, BRANCH].map(str::to_owned);
    [
        info(0),
        mod_file(0),
        small(0),
        large(0),
        list,
        latest,
        branch,
    ]
}

/// The name in a storage: the path without its slash.
pub fn key(path: &str) -> &str {
    path.strip_prefix('/').expect("a path begins with a slash")
}

/// What the registry has at this path.
pub fn content(path: &str) -> Bytes {
    let (module, file) = key(path).split_once("/@").expect("it is a path of a proxy");
    let file = file.strip_prefix("v/").unwrap_or("v1.0.0.info");
    if file == "list" {
        return "v1.0.0\n".into();
    }
    let (version, extension) = file.rsplit_once('.').expect("a file has an extension");
    match extension {
        "zip" if module.ends_with("large") => large_module_zip(module, version, 1_100_000).into(),
        "zip" => module_zip(module, version, &[("go.mod", b"module example.com/m\n")]).into(),
        "mod" => format!("module {module}\n").into(),
        _ if version.starts_with('v') => format!(r#"{{"Version":"{version}"}}"#).into(),
        _ => r#"{"Version":"v1.0.0"}"#.into(),
    }
}

/// Sends each file at once.
pub fn registry() -> Source {
    Source::new(|request: &Recorded| Answer::new([content(&request.path)]))
}

/// Sends nothing before the gate is open.
pub fn withheld() -> (Source, Gate) {
    let gate = Gate::closed();
    let held = gate.clone();
    let source = Source::new(move |request: &Recorded| {
        Answer::new([content(&request.path)]).withheld(&held)
    });
    (source, gate)
}

/// Sends the first 100,000 bytes of each file, and more at the gate.
pub fn in_parts() -> (Source, Gate) {
    let gate = Gate::closed();
    let held = gate.clone();
    let source = Source::new(move |request: &Recorded| {
        Answer::in_parts(content(&request.path), 100_000).gated(&held)
    });
    (source, gate)
}

/// This answer for everything.
pub fn always(answer: Answer) -> Source {
    Source::new(move |_: &Recorded| answer.clone())
}

pub fn layer(storage: Storage) -> FillLayer<Area> {
    FillLayer::new(storage).area(Area::Included)
}

pub fn proxy<S>(layer: &FillLayer<Area>, source: &S) -> Fill<S>
where
    S: Clone,
{
    ServiceBuilder::new().layer(layer).service(source.clone())
}

/// What a client got.
#[derive(Debug)]
pub struct Got {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// The whole body, or why it broke.
    pub body: Result<Bytes, String>,
    /// How many bytes came, also of a body that broke.
    pub received: usize,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("it is printable"))
    }

    pub fn cache_status(&self) -> &str {
        self.header("cache-status")
    }

    pub fn text(&self) -> String {
        let body = self.body.as_ref().expect("the body is whole");
        String::from_utf8_lossy(body).into_owned()
    }

    /// It is the whole file, with this `Cache-Status`.
    #[track_caller]
    pub fn assert_file(&self, path: &str, cache_status: &str) {
        assert_eq!(self.status, StatusCode::OK, "{path}: {:?}", self.body);
        assert_eq!(self.cache_status(), cache_status, "{path}");
        let body = self.body.as_ref().expect("the body is whole");
        assert!(*body == content(path), "{path}: {} bytes", body.len());
    }

    /// The body ends with an error, so that nobody takes it for the file.
    #[track_caller]
    pub fn assert_broken(&self) {
        assert!(self.body.is_err(), "it looks whole: {:?}", self.headers);
    }

    #[track_caller]
    pub fn assert_status(&self, status: u16) {
        assert_eq!(self.status.as_u16(), status, "{:?}", self.body);
    }
}

pub async fn send<S>(proxy: &S, request: Request<()>) -> Got
where
    S: Service<Request<()>, Response = Response<ResponseBody>, Error = Infallible> + Clone,
{
    let (parts, body) = ask(proxy, request).await.into_parts();
    let mut received = 0;
    let body = body.map_frame(|frame| {
        received += frame.data_ref().map_or(0, Bytes::len);
        frame
    });
    let body = body.collect().await;
    Got {
        received,
        status: parts.status,
        headers: parts.headers,
        body: body
            .map(|body| body.to_bytes())
            .map_err(|error| error.to_string()),
    }
}

pub async fn fetch<S>(proxy: &S, path: &str) -> Got
where
    S: Service<Request<()>, Response = Response<ResponseBody>, Error = Infallible> + Clone,
{
    send(proxy, request(Method::GET, path, &[])).await
}

/// What three clients get that request a file at once.
pub async fn fetch_three<S>(proxy: &S, path: &str) -> Vec<Got>
where
    S: Service<Request<()>, Response = Response<ResponseBody>, Error = Infallible> + Clone,
{
    join_all((0..3).map(|_| fetch(proxy, path))).await
}

/// The same as a client that goes its own way.
pub fn spawn(proxy: &Fill<Source>, method: Method, path: &str) -> JoinHandle<Got> {
    let (proxy, request) = (proxy.clone(), request(method, path, &[]));
    tokio::spawn(async move { send(&proxy, request).await })
}

pub fn spawn_get(proxy: &Fill<Source>, path: &str) -> JoinHandle<Got> {
    spawn(proxy, Method::GET, path)
}
