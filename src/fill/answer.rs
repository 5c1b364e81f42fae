//! What one request does: the storage first, then a fill, or the source.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{Empty, Full};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tower::{BoxError, Service, ServiceExt};

use super::body::ResponseBody;
use super::conditional::Plan;
use super::config::OnMiss;
use super::flights::{FlightKey, Joined, Ticket};
use super::head::{self, CacheStatus, of_file};
use super::pass::pass;
use super::places::Queued;
use super::spool::{Reader, Start, Until, Writer};
use super::task::{Job, too_many};
use super::wanted::Wanted;
use crate::observe::{self, Answer};
use crate::reply;
use crate::span::in_current_span;
use crate::storage::Commit;

/// A request on its way to an answer.
pub(super) struct Asker<S> {
    pub(super) source: S,
    pub(super) wanted: Wanted,
}

impl<S, SB> Asker<S>
where
    S: Service<Request<Empty<Bytes>>, Response = Response<SB>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
    SB: Body<Data = Bytes> + Send + 'static,
    SB::Error: Into<BoxError>,
{
    pub(super) async fn answer(self) -> Response<ResponseBody<SB>> {
        let is_private = self.wanted.access.is_some();
        let mut response = self.answer_anyone().await;
        if is_private {
            head::make_private(response.headers_mut());
        }
        response
    }

    async fn answer_anyone(self) -> Response<ResponseBody<SB>> {
        let Some(key) = self.wanted.key() else {
            if self.wanted.is_cached_only() {
                return not_cached();
            }
            observe::answered(Answer::Bypass);
            return self.ask_source(CacheStatus::Bypass).await;
        };
        loop {
            let flight = FlightKey::new(key.clone(), self.wanted.access.clone());
            let seen = self.wanted.common.flights.seen(&flight);
            let commit = match self.wanted.stored(&key).await {
                Ok(Some(response)) => return response.map(ResponseBody::stored),
                Ok(None) => self.wanted.common.storage.commit(key.clone()),
                // A storage that cannot be read gets no file either.
                Err(error) => {
                    observe::storage_failed(&error);
                    Commit::nowhere(key.clone())
                }
            };
            if self.wanted.is_cached_only() {
                return match commit.stores() {
                    true => not_cached(),
                    false => unavailable("the storage does not answer"),
                };
            }
            if self.wanted.parts.method == Method::HEAD {
                observe::answered(Answer::Bypass);
                return self.ask_source(CacheStatus::Miss).await;
            }
            if !commit.stores()
                && let Some(redirect) = self.redirect()
            {
                return not_here(redirect, CacheStatus::Miss);
            }
            match self.wanted.common.flights.join(&flight, seen) {
                Joined::Attached(reader) => {
                    observe::answered(Answer::Attached);
                    let stores = commit.stores();
                    return self
                        .missed(reader, None, CacheStatus::Collapsed, stores)
                        .await;
                }
                Joined::Started(reader, ticket, queued) => {
                    observe::answered(Answer::Miss);
                    let stores = commit.stores();
                    let status = match stores {
                        true => CacheStatus::Stored,
                        false => CacheStatus::Miss,
                    };
                    let unshared = self.start(ticket, queued, commit);
                    return self.missed(reader, Some(unshared), status, stores).await;
                }
                Joined::Look => {}
                Joined::Full => return self.refused(),
            }
        }
    }

    /// No fill can be started.
    fn refused(&self) -> Response<ResponseBody<SB>> {
        let reply = match self.redirect() {
            Some(redirect) => redirect,
            None => too_many(self.wanted.common.config.max_wait).to_response(),
        };
        not_here(reply, CacheStatus::Miss)
    }

    /// The way to those who have the file in any case.
    fn redirect(&self) -> Option<Response<Full<Bytes>>> {
        match &self.wanted.common.config.on_miss {
            OnMiss::Redirect(base) => Some(base.see_other(&self.wanted.target.to_uri_path())),
            _ => None,
        }
    }

    /// The answer for those who are not to wait for a file that will be stored behind them.
    fn without_file(&self) -> Option<Response<Full<Bytes>>> {
        if let OnMiss::NotFound = &self.wanted.common.config.on_miss {
            let text = "not found: not stored yet, being fetched";
            return Some(reply::text(StatusCode::NOT_FOUND, text));
        }
        self.redirect()
    }

    fn start(
        &self,
        ticket: Ticket,
        queued: Queued,
        commit: Commit,
    ) -> oneshot::Receiver<Response<SB>> {
        let (unshared, receiver) = oneshot::channel();
        let config = Arc::clone(&self.wanted.common.config);
        let spool = Arc::clone(ticket.spool());
        let job = Job {
            source: self.source.clone(),
            request: self.source_request(Method::GET),
            target: self.wanted.target.clone(),
            writer: Writer::new(spool, ticket.key().clone(), commit, config.storage_timeout),
            config,
            ticket,
            queued,
            unshared,
        };
        tokio::spawn(in_current_span(job.run()));
        receiver
    }

    /// A fill is running. `unshared` belongs to the request that has started it.
    async fn missed(
        self,
        mut reader: Reader,
        unshared: Option<oneshot::Receiver<Response<SB>>>,
        status: CacheStatus,
        stores: bool,
    ) -> Response<ResponseBody<SB>> {
        if stores && let Some(reply) = self.without_file() {
            reader.leave_running();
            return not_here(reply, CacheStatus::Miss);
        }
        let until = match &self.wanted.common.config.on_miss {
            OnMiss::Wait => Until::Settled,
            _ => Until::Begun,
        };
        let mut start = reader.start(until).await;
        if let Start::File { len: None } = start
            && self.wanted.needs_len()
        {
            start = reader.start(Until::Checked).await;
            // There is no length to be had; who does not need one for safety gets the whole file.
            if matches!(start, Start::Unchecked) && !self.wanted.is_http10() {
                start = Start::File { len: None };
            }
        }
        match start {
            Start::File { len } => self.read(reader, len, status),
            Start::Failed(failure) => {
                let mut response = failure.to_response();
                CacheStatus::Miss.add_to(response.headers_mut());
                response.map(ResponseBody::reply)
            }
            Start::Alone => {
                drop(reader);
                self.alone(unshared).await
            }
            Start::Unchecked => {
                unavailable("the file cannot be stored, so it cannot be checked first")
            }
        }
    }

    /// The answer of the source is for this client alone.
    async fn alone(
        self,
        unshared: Option<oneshot::Receiver<Response<SB>>>,
    ) -> Response<ResponseBody<SB>> {
        if let OnMiss::Wait = &self.wanted.common.config.on_miss {
            let text = "the source's answer cannot be checked";
            return not_here(
                reply::text(StatusCode::BAD_GATEWAY, text),
                CacheStatus::Miss,
            );
        }
        if let Some(unshared) = unshared
            && let Ok(response) = unshared.await
        {
            let version = self.wanted.parts.version;
            return pass(response, version, CacheStatus::Miss).await;
        }
        self.ask_source(CacheStatus::Miss).await
    }

    fn read(
        &self,
        reader: Reader,
        len: Option<u64>,
        status: CacheStatus,
    ) -> Response<ResponseBody<SB>> {
        let plan = len.map_or(Plan::Whole, |len| self.wanted.plan(len));
        let mut response = of_file(&self.wanted.target, len, &plan);
        status.add_to(response.headers_mut());
        let body = match plan {
            Plan::Whole => ResponseBody::spool(reader.into_body(0, len)),
            Plan::Part(range) => {
                ResponseBody::spool(reader.into_body(range.start, Some(range.end)))
            }
            Plan::NotModified | Plan::PreconditionFailed | Plan::NotSatisfiable => {
                ResponseBody::default()
            }
        };
        response.map(|()| body)
    }

    /// The source's own answer, for this client alone.
    async fn ask_source(self, status: CacheStatus) -> Response<ResponseBody<SB>> {
        let request = self.source_request(self.wanted.parts.method.clone());
        let limit = self.wanted.common.config.source_timeout;
        let version = self.wanted.parts.version;
        let answer = async {
            let answer = self.source.oneshot(request).await;
            match answer.map_err(Into::<BoxError>::into) {
                Ok(response) => pass(response, version, status).await,
                Err(error) => {
                    observe::source_failed("the source failed", &error);
                    let text = "the source failed";
                    not_here(reply::text(StatusCode::BAD_GATEWAY, text), status)
                }
            }
        };
        timeout(limit, answer).await.unwrap_or_else(|_| {
            let text = "the source was silent for too long";
            not_here(reply::text(StatusCode::GATEWAY_TIMEOUT, text), status)
        })
    }

    fn source_request(&self, method: Method) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = method;
        // A checked target is always a path.
        if let Ok(uri) = self.wanted.target.to_uri_path().try_into() {
            *request.uri_mut() = uri;
        }
        request.headers_mut().insert(
            ACCEPT_ENCODING,
            const { HeaderValue::from_static("identity") },
        );
        *request.extensions_mut() = self.wanted.parts.extensions.clone();
        request
    }
}

fn not_here<SB>(
    response: Response<Full<Bytes>>,
    status: CacheStatus,
) -> Response<ResponseBody<SB>> {
    let mut response = response.map(ResponseBody::reply);
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, reply::NO_STORE);
    status.add_to(headers);
    response
}

fn unavailable<SB>(text: &str) -> Response<ResponseBody<SB>> {
    not_here(
        reply::text(StatusCode::SERVICE_UNAVAILABLE, text),
        CacheStatus::Miss,
    )
}

fn not_cached<SB>() -> Response<ResponseBody<SB>> {
    not_here(
        reply::text(StatusCode::NOT_FOUND, "not found: temporarily unavailable"),
        CacheStatus::Miss,
    )
}
