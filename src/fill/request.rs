//! What one request does: the storage first, then a fill, or the source.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_LENGTH, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode, Version, request};
use http_body_util::Empty;

use super::admission::refuse;
use super::body::ResponseBody;
use super::config::OnMiss;
use super::failure::Failure;
use super::respond::{self, ATTACHED, BYPASS, FILLING, MISS, STORED};
use super::run::{Run, caught, no_room};
use super::service::Source;
use super::shared::Shared;
use super::table::{Client, Entry, Stage};
use crate::access::value::Access;
use crate::cached_only::is_cached_only;
use crate::lock::lock;
use crate::observe::{self, Answer, NoFile};
use crate::reply::{self, NO_STORE};
use crate::shared_caches::make_private;
use crate::source::Area;
use crate::span::in_current_span;
use crate::storage::Key;
use crate::target::{Resource, Target};

/// What is requested, by whom, and under which settings.
pub(super) struct Asked {
    pub(super) shared: Arc<Shared>,
    pub(super) target: Target<'static>,
    pub(super) parts: request::Parts,
    /// Whose files they are; `None` for everyone.
    pub(super) access: Option<Access>,
    pub(super) area: Area,
}

/// A response and what its `Cache-Status` says of it.
pub(super) type Answered = Result<(Response<ResponseBody>, &'static str), Failure>;

impl Asked {
    /// `source` is called only for what is not stored.
    pub(super) async fn answer(self, source: impl FnOnce() -> Source) -> Response<ResponseBody> {
        let owner = self.access.as_ref().map(Access::owner_name);
        let (answer, no_answer) = match Key::new(&self.target, self.area, owner) {
            Some(key) => (caught(self.file(source, key)).await, MISS),
            None if self.is_cached_only() => (Err(not_cached(true)), MISS),
            None => {
                observe::answered(Answer::Bypass);
                (caught(self.changing(source())).await, BYPASS)
            }
        };
        let is_head = self.parts.method == Method::HEAD;
        let (mut response, status) = answer.unwrap_or_else(|failure| {
            let mut response = failure.to_response();
            if is_head {
                // A GET may have another text.
                response.headers_mut().remove(CONTENT_LENGTH);
            }
            (response, no_answer)
        });
        if is_head {
            *response.body_mut() = ResponseBody::default();
        }
        // Added to what caches nearer to the origin have said: RFC 9211, section 2.
        let status = HeaderValue::from_static(status);
        response.headers_mut().append("cache-status", status);
        let is_own_area = self.area == Area::Direct || self.access.is_some();
        self.private_if(is_own_area, response.headers_mut());
        response
    }

    async fn file(&self, source: impl FnOnce() -> Source, file: Key) -> Answered {
        let (shared, key) = (&self.shared, (file, self.access.clone()));
        let redirects = matches!(shared.on_miss, OnMiss::Redirect(_));
        let (client, entry, stores) = loop {
            let stored = shared.table.stored(&key);
            let stores = match self.look_up(&key.0).await {
                Ok(None) => true,
                Ok(Some(answer)) => return answer,
                // A storage that cannot be read gets no file either.
                Err(error) => {
                    observe::storage_failed(&error);
                    false
                }
            };
            let starts = self.parts.method == Method::GET
                && !self.is_cached_only()
                && (stores || !self.is_zip() && !redirects);
            if !starts {
                let client = shared.table.attach(&key);
                // Else the fill of this file has just ended: look again.
                if client.is_some() || shared.table.stored(&key) == stored {
                    break (client, None, stores);
                }
            } else if let Some((client, entry)) = shared.table.join(&key, stored) {
                break (Some(client), entry, stores);
            }
        };
        let source = source();
        // A file that is whole is as good as stored.
        let client = client.filter(|client| !self.is_cached_only() || client.is_checked());
        let (status, answer) = match (&client, &entry) {
            (_, Some(_)) => (STORED, Some(Answer::Miss)),
            (Some(_), None) => (ATTACHED, Some(Answer::Attached)),
            (None, None) => (MISS, None),
        };
        answer.into_iter().for_each(observe::answered);
        if self.is_cached_only() {
            let client = client.ok_or_else(|| not_cached(stores))?;
            return self.out_of_fill(source, client, status).await;
        }
        let instead = self.instead_of_file(stores);
        if let Some(entry) = entry {
            let lane = shared.lane(self.target.resource());
            if instead.is_some() && lane.is_full(shared.table.tasks.running()) {
                let refusal = refuse(&self.target, shared.max_wait);
                entry.fail(refusal.clone());
                let redirect = instead.filter(|_| redirects).ok_or(refusal)?;
                return Ok((redirect, MISS));
            }
            self.start(source.clone(), entry, stores, instead.is_some());
        }
        match (instead, client) {
            (Some(reply), _) => Ok((reply, if status == STORED { FILLING } else { MISS })),
            (None, Some(client)) => self.out_of_fill(source, client, status).await,
            (None, None) if self.parts.method == Method::HEAD => self.head(source, stores).await,
            (None, None) => {
                observe::answered(Answer::Miss);
                self.unshared(source, None, no_room()).await
            }
        }
    }

    fn start(&self, source: Source, entry: Entry, stores: bool, is_background: bool) {
        let run = Run {
            source,
            request: self.source_request(Method::GET),
            target: self.target.clone(),
            shared: Arc::clone(&self.shared),
            stores,
            sink: None,
            itself: is_background.then(|| Client::new(&entry.running)),
            entry: Arc::new(entry),
            dirhash: None,
        };
        let aborted = self.shared.table.tasks.aborted.clone();
        tokio::spawn(aborted.run_until_cancelled_owned(in_current_span(run.run())));
    }

    /// A fill is running.
    async fn out_of_fill(&self, source: Source, client: Client, status: &'static str) -> Answered {
        let needs_len = self.parts.version < Version::HTTP_11;
        let stage = client.stage(self.shared.waits(), needs_len).await;
        let is_checked = stage.is_checked();
        let file = match stage {
            Stage::Streaming(file) | Stage::Checked(file) | Stage::Settled(file) => file,
            Stage::Failed(failure) if failure.how == NoFile::Unshared => {
                if self.parts.method == Method::HEAD {
                    drop(client);
                    return self.head(source, false).await;
                }
                let handed = lock(&client.running.handed).take();
                drop(client);
                return self.unshared(source, handed, failure).await;
            }
            Stage::Failed(failure) => return Err(failure),
            Stage::Waiting => return Err(Failure::given_up()),
        };
        let (mut head, body) = respond::running(&self.target, &self.parts, client, file);
        self.private_if(file.private, head.headers_mut());
        if head.status() == StatusCode::PARTIAL_CONTENT && !is_checked {
            // It arrives whole also if the file turns out to be wrong, so no cache may keep it.
            head.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        }
        let is_stored = status != STORED || file.stores;
        Ok((head.map(|()| body), if is_stored { status } else { MISS }))
    }

    /// `restricted`: the answer is not for everyone, no matter who asks.
    pub(super) fn private_if(&self, restricted: bool, headers: &mut HeaderMap) {
        let caches = self.shared.shared_caches;
        if caches.makes_private(&self.parts.headers, &self.parts.extensions, restricted) {
            make_private(headers);
        }
    }

    /// For clients that are not to wait for a file that will be stored behind them.
    fn instead_of_file(&self, stores: bool) -> Option<Response<ResponseBody>> {
        let reply = match &self.shared.on_miss {
            OnMiss::Redirect(base) => base.see_other(&self.target.to_uri_path(), &self.parts.uri),
            OnMiss::NotFound if self.is_zip() && stores => {
                let text = "not found: not stored yet, being fetched";
                reply::text(StatusCode::NOT_FOUND, text)
            }
            _ => return None,
        };
        Some(reply.map(ResponseBody::whole))
    }

    pub(super) fn source_request(&self, method: Method) -> Request<Empty<Bytes>> {
        let mut request = Request::new(Empty::new());
        *request.method_mut() = method;
        // A checked target is always a path.
        if let Ok(uri) = self.target.to_uri_path().try_into() {
            *request.uri_mut() = uri;
        }
        let identity = HeaderValue::from_static("identity");
        request.headers_mut().insert(ACCEPT_ENCODING, identity);
        *request.extensions_mut() = self.parts.extensions.clone();
        request
    }

    pub(super) fn is_zip(&self) -> bool {
        self.target.resource() == Resource::Zip
    }

    fn is_cached_only(&self) -> bool {
        self.shared.offline || is_cached_only(&self.parts.headers)
    }
}

/// `stores`: the storage has answered.
fn not_cached(stores: bool) -> Failure {
    if stores {
        return Failure::new(StatusCode::NOT_FOUND, "not found: temporarily unavailable");
    }
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, "the storage is away")
}
