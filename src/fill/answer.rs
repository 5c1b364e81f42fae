//! What one request does: the storage first, then a fill, or the source.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Empty;
use tokio::sync::oneshot;
use tower::{BoxError, Service, ServiceExt};

use super::body::ResponseBody;
use super::conditional::Plan;
use super::config::OnMiss;
use super::flights::{Flights, Joined, Ticket};
use super::head::{CacheStatus, of_file};
use super::pass::pass;
use super::spool::{Reader, Start, Until};
use super::task::Job;
use super::wanted::Wanted;
use crate::observe::{self, Answer};
use crate::reply;
use crate::storage::{Commit, Key};

/// A request on its way to an answer.
pub(super) struct Asker<S> {
    pub(super) source: S,
    pub(super) flights: Arc<Flights>,
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
        let Some(key) = Key::new(&self.wanted.target) else {
            if self.wanted.is_cached_only() {
                return not_cached();
            }
            return self.ask_source(CacheStatus::Bypass).await;
        };
        loop {
            let seen = self.flights.seen(&key);
            let commit = match self.wanted.stored(&key).await {
                Ok(Some(response)) => return response.map(ResponseBody::stored),
                Ok(None) => self.wanted.storage.commit(key.clone()),
                // A storage that cannot be read gets no file either.
                Err(error) => {
                    observe::storage_failed(&error);
                    Commit::nowhere(key.clone())
                }
            };
            if self.wanted.is_cached_only() {
                return not_cached();
            }
            if self.wanted.parts.method == Method::HEAD {
                return self.ask_source(CacheStatus::Miss).await;
            }
            match self.flights.join(&key, seen) {
                Joined::Attached(reader) => {
                    observe::answered(Answer::Attached);
                    return self.missed(reader, None, CacheStatus::Collapsed).await;
                }
                Joined::Started(reader, ticket) => {
                    observe::answered(Answer::Miss);
                    let status = match commit.stores() {
                        true => CacheStatus::Stored,
                        false => CacheStatus::Miss,
                    };
                    let unshared = self.start(ticket, commit);
                    return self.missed(reader, Some(unshared), status).await;
                }
                Joined::Look => {}
            }
        }
    }

    fn start(&self, ticket: Ticket, commit: Commit) -> oneshot::Receiver<Response<SB>> {
        let (unshared, receiver) = oneshot::channel();
        let job = Job {
            source: self.source.clone(),
            request: self.source_request(Method::GET),
            target: self.wanted.target.clone(),
            commit,
            config: Arc::clone(&self.wanted.config),
            ticket,
            unshared,
        };
        tokio::spawn(observe::in_current_span(job.run()));
        receiver
    }

    /// A fill is running. `unshared` belongs to the request that has started it.
    async fn missed(
        self,
        mut reader: Reader,
        unshared: Option<oneshot::Receiver<Response<SB>>>,
        status: CacheStatus,
    ) -> Response<ResponseBody<SB>> {
        let until = match &self.wanted.config.on_miss {
            OnMiss::Stream => Until::Begun,
            OnMiss::Wait => Until::Settled,
            OnMiss::Redirect(base) => {
                reader.leave_running();
                return not_here(base.see_other(&self.wanted.target.to_uri_path()), status);
            }
            OnMiss::NotFound => {
                reader.leave_running();
                let text = "not found: not stored yet, being fetched";
                return not_here(reply::text(StatusCode::NOT_FOUND, text), status);
            }
        };
        let mut start = reader.start(until).await;
        if let Start::File { len: None } = start
            && self.wanted.needs_len()
        {
            start = reader.start(Until::Checked).await;
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
                let version = self.wanted.parts.version;
                match unshared {
                    Some(unshared) => match unshared.await {
                        Ok(response) => pass(response, version, CacheStatus::Miss).await,
                        Err(_gone) => self.ask_source(CacheStatus::Miss).await,
                    },
                    None => self.ask_source(CacheStatus::Miss).await,
                }
            }
            Start::Unchecked => not_here(
                reply::text(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the storage cannot take the file, so it cannot be checked",
                ),
                CacheStatus::Miss,
            ),
        }
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
        observe::answered(Answer::Bypass);
        let version = self.wanted.parts.version;
        let request = self.source_request(self.wanted.parts.method.clone());
        let asked = self.source.oneshot(request).await.map_err(Into::into);
        match asked {
            Ok(response) => pass(response, version, status).await,
            Err(error) => {
                observe::source_failed("the source failed", &error);
                not_here(
                    reply::text(StatusCode::BAD_GATEWAY, "the source failed"),
                    status,
                )
            }
        }
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
    response: Response<http_body_util::Full<Bytes>>,
    status: CacheStatus,
) -> Response<ResponseBody<SB>> {
    let mut response = response.map(ResponseBody::reply);
    let headers = response.headers_mut();
    headers.insert(
        CACHE_CONTROL,
        const { HeaderValue::from_static("no-store") },
    );
    status.add_to(headers);
    response
}

fn not_cached<SB>() -> Response<ResponseBody<SB>> {
    not_here(
        reply::text(StatusCode::NOT_FOUND, "not found: temporarily unavailable"),
        CacheStatus::Miss,
    )
}
