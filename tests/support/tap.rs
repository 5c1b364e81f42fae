//! What has come out of a source so far, seen from between it and the fill.

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt as _;
use http_body_util::combinators::UnsyncBoxBody;
use tokio::sync::watch;
use tower::util::BoxCloneService;
use tower::{BoxError, Service, ServiceExt as _};

/// Counts the bytes that a source has handed over, over all its answers. Clones share the count.
#[derive(Clone, Debug)]
pub struct Tap {
    bytes: watch::Sender<u64>,
}

impl Tap {
    pub fn new() -> Self {
        Self {
            bytes: watch::Sender::new(0),
        }
    }

    /// Waits until so many bytes have come out.
    pub async fn passed(&self, bytes: u64) {
        self.bytes
            .subscribe()
            .wait_for(|passed| *passed >= bytes)
            .await
            .expect("the sender lives as long as this tap");
    }
}

pub type Tapped<R> =
    BoxCloneService<Request<R>, Response<UnsyncBoxBody<Bytes, BoxError>>, BoxError>;

/// Puts the tap on a source.
pub fn tapped<S, R, B>(tap: &Tap, source: S) -> Tapped<R>
where
    S: Service<Request<R>, Response = Response<B>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    R: Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let tap = tap.clone();
    source
        .map_err(Into::into)
        .map_response(move |response: Response<B>| {
            let tap = tap.clone();
            response.map(|body| {
                body.map_err(Into::into)
                    .map_frame(move |frame| {
                        let len = frame.data_ref().map_or(0, |data| data.len() as u64);
                        tap.bytes.send_modify(|bytes| *bytes += len);
                        frame
                    })
                    .boxed_unsync()
            })
        })
        .boxed_clone()
}
