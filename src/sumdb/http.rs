//! Requests to a database.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use http::{Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Collected, Empty, LengthLimitError, Limited};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt};

use super::fault::Fault;
use crate::observe;
use crate::source::chain::Chain;
use crate::source::health::{Advice, Health};

/// How many requests run at once for checks, and for clients.
const MAX_CHECKS: usize = 32;
const MAX_CLIENTS: usize = 16;
/// A longer text of an error is not read.
const MAX_TEXT: usize = 8 * 1024;

type Client =
    BoxCloneSyncService<Request<Empty<Bytes>>, Response<UnsyncBoxBody<Bytes, BoxError>>, BoxError>;

pub(super) struct Http {
    url: String,
    client: Client,
    checks: Lane,
    clients: Lane,
}

/// How many requests run at once, and whether the database answers them.
type Lane = (Semaphore, Health<Fault>);

/// Who wants an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum By {
    /// A file that is verified.
    Check,
    /// Anybody, about anything. However many and slow these are, checks do not wait for them, nor take the database for
    /// away.
    Client,
}

impl Http {
    pub(super) fn new<C, B>(url: &str, client: C) -> Self
    where
        C: Service<Request<Empty<Bytes>>, Response = Response<B>> + Clone + Send + Sync + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let any =
            |response: Response<B>| response.map(|body| body.map_err(Into::into).boxed_unsync());
        let lane = |places| (Semaphore::new(places), Health::new());
        Self {
            url: url.to_owned(),
            client: BoxCloneSyncService::new(client.map_err(Into::into).map_response(any)),
            checks: lane(MAX_CHECKS),
            clients: lane(MAX_CLIENTS),
        }
    }

    /// The body at a path, of at most `max` bytes.
    ///
    /// # Cancel safety
    ///
    /// Reads only.
    pub(super) async fn get(
        &self,
        path: &str,
        max: usize,
        limit: Duration,
        by: By,
    ) -> Result<Bytes, Fault> {
        let (places, health) = match by {
            By::Check => &self.checks,
            By::Client => &self.clients,
        };
        // Whoever finds that it is time tries.
        if let Advice::Leave(fault) = health.advice() {
            return Err(fault);
        }
        // Whoever waits here says nothing about the database.
        let place = timeout(limit, places.acquire()).await;
        let crowded = |_| Fault::Away("too many requests wait for it".to_owned());
        let _place = place.map_err(crowded)?;
        let answers = health.answers();
        let late = |_| Err(Fault::Away(format!("no answer within {limit:?}")));
        let answer = timeout(limit, self.exchange(path, max)).await;
        let answer = answer.unwrap_or_else(late);
        if let Err(fault @ Fault::Away(_)) = &answer {
            health.failed(answers, fault);
        }
        answer
    }

    async fn exchange(&self, path: &str, max: usize) -> Result<Bytes, Fault> {
        let away = |error: BoxError| {
            // It may name hosts, which are no business of clients.
            observe::source_failed(&path, "the checksum database failed", &Chain(&*error));
            Fault::Away("the request failed".to_owned())
        };
        let uri = format!("{}/{path}", self.url);
        let uri = Uri::try_from(uri).map_err(|error| away(error.into()))?;
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri;
        let response = self.client.clone().oneshot(request).await.map_err(away)?;
        // A database that refuses one request is not away.
        self.checks.1.answered();
        self.clients.1.answered();
        let (status, body) = (response.status(), response.into_body());
        match status {
            StatusCode::OK => {
                let body = read(body, max).await;
                body.map_err(|error| match error.is::<LengthLimitError>() {
                    true => Fault::Lies("it sends more than there is"),
                    false => away(error),
                })
            }
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                let text = read(body, MAX_TEXT).await.unwrap_or_default();
                Err(Fault::Missing(status, text))
            }
            status => Err(Fault::Away(format!("status {status}"))),
        }
    }
}

/// A body of at most so many bytes.
fn read(
    body: UnsyncBoxBody<Bytes, BoxError>,
    max: usize,
) -> BoxFuture<'static, Result<Bytes, BoxError>> {
    let body = Limited::new(body, max).collect();
    body.map_ok(Collected::to_bytes).boxed()
}
