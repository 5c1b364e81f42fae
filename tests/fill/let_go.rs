//! What a fill has of its source is let go of once the file has it.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{Empty, StreamBody};
use tempfile::TempDir;
use tokio::sync::{Semaphore, watch};
use tower::{Service, ServiceBuilder, service_fn};
use tower_goproxy::Storage;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::source::Area;

use super::fixtures::ZIP;
use super::support::{ask, get, large_module_zip, read, whole, within_minutes};

const PART: usize = 200_000;

/// A part of the source's file, while somebody has it.
struct Part {
    bytes: Bytes,
    _alive: Arc<()>,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// What the source sends, and how far it is with that.
struct Parts {
    zip: Bytes,
    alive: Arc<()>,
    permits: Semaphore,
    sent: watch::Sender<usize>,
}

impl Parts {
    /// The first of them may be sent.
    fn new() -> Arc<Self> {
        Arc::new(Self {
            zip: large_module_zip("example.com/Mod", "v1.0.0", 2_300_000).into(),
            alive: Arc::new(()),
            permits: Semaphore::new(1),
            sent: watch::Sender::new(0),
        })
    }

    fn count(&self) -> usize {
        self.zip.len().div_ceil(PART)
    }

    /// Returns when only the last one is left.
    async fn send_all_but_one(&self) {
        self.permits.add_permits(self.count() - 2);
        let all_but_one = |sent: &usize| *sent == self.count() - 1;
        self.sent.subscribe().wait_for(all_but_one).await.unwrap();
    }

    fn in_memory(&self) -> usize {
        Arc::strong_count(&self.alive) - 1
    }

    async fn next(&self, number: usize) -> Result<Frame<Bytes>, Infallible> {
        self.permits.acquire().await.unwrap().forget();
        self.sent.send_modify(|sent| *sent += 1);
        let end = self.zip.len().min((number + 1) * PART);
        let part = Part {
            bytes: self.zip.slice(number * PART..end),
            _alive: Arc::clone(&self.alive),
        };
        Ok(Frame::data(Bytes::from_owner(part)))
    }

    fn stream(self: Arc<Self>) -> BoxStream<'static, Result<Frame<Bytes>, Infallible>> {
        let parts = stream::iter(0..self.count()).then(move |number| {
            let this = Arc::clone(&self);
            async move { this.next(number).await }
        });
        parts.boxed()
    }
}

type Body = StreamBody<BoxStream<'static, Result<Frame<Bytes>, Infallible>>>;

fn source(
    parts: &Arc<Parts>,
) -> impl Service<Request<Empty<Bytes>>, Response = Response<Body>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static
+ use<> {
    let parts = Arc::clone(parts);
    service_fn(move |_| {
        let response = Response::builder().header("content-length", parts.zip.len());
        let response = response.body(StreamBody::new(Arc::clone(&parts).stream()));
        async { Ok(response.unwrap()) }
    })
}

fn layer(folder: &TempDir) -> FillLayer<Area> {
    FillLayer::new(Storage::disk(folder.path()).unwrap()).area(Area::Included)
}

#[tokio::test]
async fn readers_far_behind_and_stored_files_keep_nothing_of_it_in_memory() {
    let parts = Parts::new();
    let folder = tempfile::tempdir().unwrap();
    let layer = layer(&folder);
    let proxy = ServiceBuilder::new().layer(&layer).service(source(&parts));

    let mut readers = Vec::new();
    for _ in 0..64 {
        readers.push(ask(&proxy, get(ZIP)).await.into_body());
    }
    parts.send_all_but_one().await;
    // Those that are on their way into the file, which lags behind the source on a busy machine.
    within_minutes(async {
        while parts.in_memory() > 3 {
            tokio::task::yield_now().await;
        }
    })
    .await;

    let mut near = readers.pop().unwrap();
    // Up to the end of a frame, wherever that is.
    let begin = read(&mut near, 9 * PART).await.unwrap();
    parts.permits.add_permits(1);
    layer.fills().idle().await;
    assert_eq!(parts.in_memory(), 0);
    let rest = whole(near).await.unwrap();
    assert!([begin, rest].concat() == parts.zip);
    for far in readers {
        assert!(whole(far).await.unwrap() == parts.zip);
    }
}
