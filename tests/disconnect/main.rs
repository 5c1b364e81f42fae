//! A client that leaves: its fill goes on, or stops with the last one who wants the file.
#![cfg(feature = "fill")]

#[macro_use]
#[path = "../support/mod.rs"]
mod support;

mod web;

use web::Web;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Empty, StreamBody};
use hyper::body::Incoming;
use support::{
    Answer, Framing, Gate, Server, Source, ask, fetch, get, large_module_zip, quiet, read,
    web_client, whole, within_minutes,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tower::{ServiceBuilder, service_fn};
use tower_goproxy::Storage;
use tower_goproxy::fill::{Fill, FillLayer, OnDisconnect};
use tower_goproxy::source::Area;
use tower_goproxy::source::Tasks;

const PARTS: usize = 4;

/// When a client leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    BeforeTheHead,
    /// With so many of [`PARTS`] parts.
    With(usize),
}

const MOMENTS: [Moment; 5] = [
    Moment::BeforeTheHead,
    Moment::With(0),
    Moment::With(1),
    Moment::With(2),
    Moment::With(3),
];

/// A proxy for one file, and the gates of its source: before the head, and between the parts.
struct Scene {
    path: String,
    content: Bytes,
    framing: Framing,
    part: usize,
    proxy: Fill<Source>,
    source: Source,
    fills: Tasks,
    head: Gate,
    parts: Gate,
}

impl Scene {
    /// `name` keeps the files of several scenes in one storage apart.
    fn new(storage: &Storage, name: usize, on_disconnect: OnDisconnect, framing: Framing) -> Self {
        let version = format!("v1.{name}.0");
        let content = Bytes::from(large_module_zip("example.com/m", &version, 1_100_000));
        let path = format!("/example.com/m/@v/{version}.zip");
        let part = content.len().div_ceil(PARTS);
        let (head, parts) = (Gate::closed(), Gate::closed());
        let answer = Answer::in_parts(content.clone(), part).framing(framing);
        let source = Source::serving(path.clone(), answer.withheld(&head).gated(&parts));
        let layer = FillLayer::new(storage.clone())
            .area(Area::Included)
            .on_disconnect(on_disconnect);
        Self {
            path,
            content,
            framing,
            part,
            proxy: ServiceBuilder::new().layer(&layer).service(source.clone()),
            source,
            fills: layer.fills(),
            head,
            parts,
        }
    }

    /// A client that reads up to this moment, and is then gone.
    fn client(&self, moment: Moment) -> JoinHandle<()> {
        let (proxy, path, part) = (self.proxy.clone(), self.path.clone(), self.part);
        tokio::spawn(async move {
            let response = ask(&proxy, get(&path)).await;
            if let Moment::With(parts) = moment {
                let mut body = response.into_body();
                // Without a declared length a few bytes are held back.
                let held_back = if body.size_hint().exact().is_some() {
                    0
                } else {
                    64
                };
                let want = (parts * part).saturating_sub(held_back);
                read(&mut body, want).await.unwrap();
            }
        })
    }

    /// So many clients come, read up to this moment, and leave.
    async fn leave(&self, moment: Moment, clients: usize) {
        let clients: Vec<_> = (0..clients).map(|_| self.client(moment)).collect();
        quiet().await;
        match moment {
            Moment::BeforeTheHead => {
                for client in clients {
                    client.abort();
                    assert!(client.await.is_err_and(|error| error.is_cancelled()));
                }
            }
            Moment::With(parts) => {
                self.head.open();
                self.parts.allow(parts.saturating_sub(1));
                for client in join_all(clients).await {
                    client.unwrap();
                }
            }
        }
        quiet().await;
    }

    fn open(&self) {
        self.head.open();
        self.parts.open();
    }

    /// Misses. Whether a file of unknown length will be stored may not be known at its beginning.
    async fn misses(&self, case: &str) {
        let status = self.ask().await;
        match self.framing {
            Framing::Length => assert_eq!(status, "fwd=miss; stored", "{case}"),
            _ => assert!(status.starts_with("fwd=miss"), "{case}: {status}"),
        }
    }

    /// Asks, and gives what the storage had to do with the answer, which is right.
    async fn ask(&self) -> String {
        let response = ask(&self.proxy, get(&self.path)).await;
        let status = response.headers()["cache-status"].to_str().unwrap();
        let status = status.trim_start_matches("tower-goproxy; ").to_owned();
        assert!(whole(response.into_body()).await.unwrap() == self.content);
        self.fills.idle().await;
        status
    }
}

const KINDS: [(usize, Framing); 2] = [(1, Framing::Length), (3, Framing::Chunked)];

on_each_storage! {
    async fn a_fill_outlives_its_clients(storage: Storage) {
        for (clients, framing) in KINDS {
            for (i, moment) in MOMENTS.into_iter().enumerate() {
                let scene = Scene::new(&storage, clients * 10 + i, OnDisconnect::Finish, framing);
                scene.leave(moment, clients).await;
                assert_eq!(scene.fills.running(), 1, "{moment:?}");
                scene.open();
                scene.fills.idle().await;
                assert_eq!(scene.ask().await, "hit", "{moment:?}");
                assert_eq!(scene.source.requests().total(), 1);
            }
        }
    }

    async fn a_fill_that_is_to_stop_with_its_last_client_stops(storage: Storage) {
        for (clients, framing) in KINDS {
            for (i, moment) in MOMENTS.into_iter().enumerate() {
                let scene = Scene::new(&storage, clients * 10 + i, OnDisconnect::Abort, framing);
                scene.leave(moment, clients).await;
                // The gates are closed: nothing but the clients can have ended it.
                scene.fills.idle().await;
                scene.source.let_go().await;
                scene.open();
                scene.misses(&format!("{moment:?}")).await;
                assert_eq!(scene.ask().await, "hit", "{moment:?}");
                assert_eq!(scene.source.requests().total(), 2);
            }
        }
    }

    async fn a_fill_goes_on_for_the_last_one_who_wants_it(storage: Storage) {
        for (i, moment) in MOMENTS.into_iter().enumerate() {
            let scene = Scene::new(&storage, i, OnDisconnect::Abort, Framing::Length);
            let staying = scene.client(Moment::With(PARTS));
            scene.leave(moment, 3).await;
            assert_eq!(scene.fills.running(), 1, "{moment:?}");
            scene.open();
            staying.await.unwrap();
            scene.fills.idle().await;
            assert_eq!(scene.ask().await, "hit", "{moment:?}");
            assert_eq!(scene.source.requests().total(), 1);
        }
    }

    /// A server drops a body once it has as many bytes as were declared, and never asks for its end.
    async fn a_client_that_has_all_bytes_has_not_left_early(storage: Storage) {
        for (i, on_disconnect) in [OnDisconnect::Finish, OnDisconnect::Abort].into_iter().enumerate() {
            let scene = Scene::new(&storage, i, on_disconnect, Framing::Length);
            scene.open();
            let mut body = ask(&scene.proxy, get(&scene.path)).await.into_body();
            let received = read(&mut body, scene.content.len()).await.unwrap();
            assert!(received == scene.content);
            assert!(body.is_end_stream());
            drop(body);
            scene.fills.idle().await;
            assert_eq!(scene.ask().await, "hit", "{on_disconnect:?}");
        }
    }

    async fn who_comes_after_an_aborted_fill_begins_a_new_one(storage: Storage) {
        let scene = Scene::new(&storage, 0, OnDisconnect::Abort, Framing::Length);
        for asked in 1..=5 {
            scene.leave(Moment::With(0), 1).await;
            assert_eq!(scene.source.requests().total(), asked);
        }
        scene.open();
        scene.misses("after five that left").await;
    }
}

/// The same over real connections.
#[tokio::test]
async fn a_dropped_connection_stops_a_fill_that_is_to_stop() {
    within_minutes(async {
        for moment in MOMENTS {
            let web = Web::new(OnDisconnect::Abort).await;
            web.leave(moment).await;
            web.scene.source.let_go().await;
            web.scene.fills.idle().await;
            web.scene.open();
            web.scene.misses(&format!("{moment:?}")).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_dropped_connection_does_not_stop_a_fill_that_is_to_go_on() {
    within_minutes(async {
        for moment in MOMENTS {
            let web = Web::new(OnDisconnect::Finish).await;
            web.leave(moment).await;
            web.scene.open();
            web.scene.fills.idle().await;
            assert_eq!(web.scene.ask().await, "hit", "{moment:?}");
            assert_eq!(web.scene.source.requests().total(), 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_reset_http2_stream_stops_a_fill_and_not_its_connection() {
    within_minutes(async {
        let web = Web::new(OnDisconnect::Abort).await;
        let client = web_client(true);
        let url = format!("{}{}", web.server.url(), web.scene.path);
        web.scene.head.open();
        let mut response = fetch(&client, &url).await;
        read(response.body_mut(), web.scene.part).await.unwrap();
        drop(response);
        web.scene.source.let_go().await;
        web.scene.fills.idle().await;
        web.scene.open();
        let again = fetch(&client, &url).await;
        let body = again.into_body().collect().await.unwrap().to_bytes();
        assert!(body == web.scene.content);
    })
    .await;
}

/// It is never waited for, so the fill has to look for itself.
#[tokio::test]
async fn a_source_that_always_has_more_is_left_with_its_last_client() {
    const FRAMES: usize = 100_000;
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let source = service_fn(move |_: Request<Empty<Bytes>>| {
        let count = Arc::clone(&count);
        let frames = stream::repeat_with(move || {
            count.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(&[7; 1024])))
        });
        let response = Response::new(StreamBody::new(frames.take(FRAMES)));
        async { Ok::<_, Infallible>(response) }
    });
    let layer = FillLayer::new(Storage::memory())
        .area(Area::Included)
        .on_disconnect(OnDisconnect::Abort);
    let proxy = ServiceBuilder::new().layer(&layer).service(source);
    drop(ask(&proxy, get("/example.com/m/@v/v1.0.0.zip")).await);
    within_minutes(layer.fills().idle()).await;
    assert!(sent.load(Ordering::Relaxed) < FRAMES);
}
