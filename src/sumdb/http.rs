//! Requests to a database.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt};

use super::fault::Fault;
use crate::observe;
use crate::source::health::{Health, Turn};

/// How many requests run at once.
const MAX_REQUESTS: usize = 32;
/// The longest text of an error that is read.
const MAX_TEXT: usize = 8 * 1024;

type Client =
    BoxCloneSyncService<Request<Empty<Bytes>>, Response<UnsyncBoxBody<Bytes, BoxError>>, BoxError>;

pub(super) struct Http {
    url: String,
    client: Client,
    health: Health<Fault>,
    places: Semaphore,
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
        Self {
            url: url.to_owned(),
            client: BoxCloneSyncService::new(client.map_err(Into::into).map_response(any)),
            health: Health::new(),
            places: Semaphore::new(MAX_REQUESTS),
        }
    }

    pub(super) fn is_away(&self) -> bool {
        self.health.is_away()
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
    ) -> Result<Bytes, Fault> {
        match self.health.turn() {
            // Whoever finds that it is time tries.
            Turn::Ask | Turn::Probe(_) => {}
            Turn::Leave(fault) => return Err(fault),
        }
        // Whoever waits here says nothing about the database.
        let _place = self.places.acquire().await;
        let answers = self.health.answers();
        let answer = match timeout(limit, self.exchange(path, max)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(Fault::Away(format!("no answer within {limit:?}"))),
        };
        if let Err(fault @ Fault::Away(_)) = &answer {
            self.health.failed(answers, fault);
        }
        answer
    }

    async fn exchange(&self, path: &str, max: usize) -> Result<Bytes, Fault> {
        let away = |error: BoxError| {
            // It may name hosts, which are no business of clients.
            observe::source_failed(&path, "the checksum database failed", &error);
            Fault::Away("the request failed".to_owned())
        };
        let uri = format!("{}/{path}", self.url);
        let uri = Uri::try_from(uri).map_err(|error| away(error.into()))?;
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri;
        let response = self.client.clone().oneshot(request).await.map_err(away)?;
        // A database that refuses one request is not away.
        self.health.answered();
        let (status, body) = (response.status(), response.into_body());
        match status {
            StatusCode::OK => match read(body, max).await.map_err(away)? {
                (body, true) => Ok(body),
                _ => Err(Fault::Lies("it sends more than there is")),
            },
            StatusCode::NOT_FOUND | StatusCode::GONE => {
                let (text, _) = read(body, MAX_TEXT).await.map_err(away)?;
                Err(Fault::Missing(status, text))
            }
            status => Err(Fault::Away(format!("status {status}"))),
        }
    }
}

/// The first `max` bytes, and whether these are all.
async fn read(
    mut body: UnsyncBoxBody<Bytes, BoxError>,
    max: usize,
) -> Result<(Bytes, bool), BoxError> {
    let mut content = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Ok(bytes) = frame?.into_data() {
            content.extend_from_slice(&bytes);
        }
        if content.len() > max {
            content.truncate(max);
            return Ok((content.freeze(), false));
        }
    }
    Ok((content.freeze(), true))
}
