//! What one request does: the storage first, then a fill, or the source.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_LENGTH, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version, request};
use http_body_util::{Empty, Full};
use tokio::sync::oneshot;

use super::admission::too_many;
use super::ask::Handover;
use super::body::ResponseBody;
use super::config::OnMiss;
use super::failure::Failure;
use super::kept::Kept;
use super::respond::{self, ATTACHED, BYPASS, MISS, STORED, add_status, not_here, text};
use super::run::Run;
use super::service::Source;
use super::shared::Shared;
use super::table::{Client, Entry, Stage, given_up};
use crate::access::value::Access;
use crate::observe::{self, Answer};
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

impl Asked {
    pub(super) async fn answer(self, source: Source) -> Response<ResponseBody> {
        let is_private = self.is_private(self.is_own_area());
        let mut response = match self.key() {
            Some(key) => self.file(source, key).await,
            None if self.is_cached_only() => not_cached(),
            None => {
                observe::answered(Answer::Bypass);
                let changing = self.changing(source).await;
                let mut response = changing
                    .unwrap_or_else(|failure| failure.to_response().map(ResponseBody::whole));
                add_status(response.headers_mut(), BYPASS);
                response
            }
        };
        if is_private {
            make_private(response.headers_mut());
        }
        response
    }

    /// Where the file is stored. `None` for what is not a file.
    pub(super) fn key(&self) -> Option<Key> {
        let owner = self.access.as_ref().map(Access::owner_name);
        Key::new(&self.target, self.area, owner)
    }

    pub(super) fn is_own_area(&self) -> bool {
        self.area == Area::Direct || self.access.is_some()
    }

    async fn file(&self, source: Source, file: Key) -> Response<ResponseBody> {
        let key = (file, self.access.clone());
        loop {
            let stored = self.shared.table.stored(&key);
            let stores = match self.look_up(&key.0).await {
                Ok(Some(response)) => return response,
                Ok(None) => true,
                // A storage that cannot be read gets no file either.
                Err(error) => {
                    observe::storage_failed(&error);
                    false
                }
            };
            if self.is_cached_only() {
                // A file that is whole is as good as stored.
                return match self.shared.table.attach(&key) {
                    Some(client) if client.is_checked() => {
                        self.attached(source, client, stores).await
                    }
                    _ if stores => not_cached(),
                    _ => text(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "the storage does not answer",
                    ),
                };
            }
            if let Some(reply) = self.instead_of_file(stores)
                && (!stores || self.parts.method == Method::HEAD)
            {
                return not_here(reply, MISS);
            }
            let can_start = self.parts.method == Method::GET && (stores || !self.is_zip());
            if !can_start {
                return match self.shared.table.attach(&key) {
                    Some(client) => self.attached(source, client, stores).await,
                    None if stores || !self.is_zip() => self.head_of_miss(source).await,
                    None => {
                        observe::answered(Answer::Miss);
                        self.alone(source, None, &no_room()).await
                    }
                };
            }
            match self.shared.table.join(&key, stored) {
                None => {}
                Some((client, None)) => return self.attached(source, client, stores).await,
                Some((client, Some(entry))) => {
                    return self.start(source, client, entry, stores).await;
                }
            }
        }
    }

    async fn start(
        &self,
        source: Source,
        client: Client,
        entry: Entry,
        stores: bool,
    ) -> Response<ResponseBody> {
        observe::answered(Answer::Miss);
        let instead = self.instead_of_file(stores);
        let shared = &self.shared;
        let fills = *shared.table.count().borrow();
        if instead.is_some() && shared.lane(self.target.resource()).is_full(fills) {
            observe::refused(&self.target);
            let refusal = too_many(shared.max_wait);
            entry.fail(refusal.clone());
            let reply = self.redirect().unwrap_or_else(|| refusal.to_response());
            return not_here(reply, MISS);
        }
        let (handover, handed) = oneshot::channel();
        let spool = entry.running().spool.clone();
        let (storage, limit) = (shared.storage.clone(), shared.storage_timeout);
        let run = Run {
            source: source.clone(),
            request: self.source_request(Method::GET),
            target: self.target.clone(),
            shared: Arc::clone(shared),
            kept: Kept::new(storage, spool, limit, entry.counted()),
            stores,
            itself: instead.is_some().then(|| entry.client()),
            entry: Arc::new(entry),
            handover: Some(handover),
        };
        tokio::spawn(in_current_span(run.run()));
        match instead {
            Some(reply) => not_here(reply, MISS),
            None => self.out_of_fill(source, client, Some(handed), STORED).await,
        }
    }

    async fn attached(
        &self,
        source: Source,
        client: Client,
        stores: bool,
    ) -> Response<ResponseBody> {
        observe::answered(Answer::Attached);
        match self.instead_of_file(stores) {
            Some(reply) => not_here(reply, MISS),
            None => self.out_of_fill(source, client, None, ATTACHED).await,
        }
    }

    /// A fill is running. `handed` belongs to the request that has started it.
    async fn out_of_fill(
        &self,
        source: Source,
        client: Client,
        handed: Option<Handover>,
        status: &'static str,
    ) -> Response<ResponseBody> {
        let waits = self.shared.waits();
        let needs_len = self.parts.version < Version::HTTP_11;
        let stage = client.stage(waits, needs_len).await;
        let is_checked = matches!(stage, Stage::Checked(_) | Stage::Settled(_));
        match stage {
            Stage::Outgrown(_, failure) if waits || needs_len => {
                not_here(failure.to_response(), MISS)
            }
            Stage::Streaming(file)
            | Stage::Checked(file)
            | Stage::Settled(file)
            | Stage::Outgrown(file, _) => {
                let status = if status == STORED && !file.stores {
                    MISS
                } else {
                    status
                };
                let (head, body) =
                    respond::running(self.target.resource(), &self.parts, client, file);
                let mut response = self.private_if(file.private, head);
                if response.status() == StatusCode::PARTIAL_CONTENT && !is_checked {
                    // It arrives whole also if the file turns out to be wrong, so no cache may keep it.
                    response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
                }
                add_status(response.headers_mut(), status);
                response.map(|()| body)
            }
            Stage::Unshared(failure) => {
                drop(client);
                self.alone(source, handed, &failure).await
            }
            Stage::Failed(failure) => not_here(failure.to_response(), MISS),
            Stage::Waiting => not_here(given_up().to_response(), MISS),
        }
    }

    /// The source's own response; `unchecked` for a client that wants a checked file.
    async fn alone(
        &self,
        source: Source,
        handed: Option<Handover>,
        unchecked: &Failure,
    ) -> Response<ResponseBody> {
        if self.shared.waits() {
            return not_here(unchecked.to_response(), MISS);
        }
        match self.pass(source, handed).await {
            Ok(mut response) => {
                add_status(response.headers_mut(), MISS);
                response
            }
            Err(failure) => not_here(failure.to_response(), MISS),
        }
    }

    async fn head_of_miss(&self, source: Source) -> Response<ResponseBody> {
        observe::answered(Answer::Bypass);
        let mut head = self.head(source).await.unwrap_or_else(|failure| {
            let mut head = failure.to_response().map(drop);
            // A GET would have a text.
            head.headers_mut().remove(CONTENT_LENGTH);
            head
        });
        add_status(head.headers_mut(), MISS);
        head.map(|()| ResponseBody::default())
    }

    fn is_private(&self, restricted: bool) -> bool {
        let (headers, extensions) = (&self.parts.headers, &self.parts.extensions);
        let caches = self.shared.shared_caches;
        caches.makes_private(headers, extensions, restricted)
    }

    pub(super) fn private_if(&self, private: bool, mut head: Response<()>) -> Response<()> {
        if self.is_private(private) {
            make_private(head.headers_mut());
        }
        head
    }

    fn redirect(&self) -> Option<Response<Full<Bytes>>> {
        match &self.shared.on_miss {
            OnMiss::Redirect(base) => Some(base.see_other(&self.target.to_uri_path())),
            _ => None,
        }
    }

    /// For clients that are not to wait for a file that will be stored behind them.
    fn instead_of_file(&self, stores: bool) -> Option<Response<Full<Bytes>>> {
        match &self.shared.on_miss {
            OnMiss::NotFound if self.is_zip() && stores => {
                let text = "not found: not stored yet, being fetched";
                Some(reply::text(StatusCode::NOT_FOUND, text))
            }
            _ => self.redirect(),
        }
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

    fn is_zip(&self) -> bool {
        self.target.resource() == Resource::Zip
    }

    /// `Disable-Module-Fetch: true` asks for what is stored and nothing else.
    fn is_cached_only(&self) -> bool {
        let header = self.parts.headers.get("disable-module-fetch");
        header.is_some_and(|value| {
            matches!(
                value.as_bytes(),
                b"1" | b"t" | b"T" | b"true" | b"True" | b"TRUE"
            )
        })
    }
}

fn not_cached() -> Response<ResponseBody> {
    text(StatusCode::NOT_FOUND, "not found: temporarily unavailable")
}

/// For a zip when the storage does not answer, and for a client that wants it checked.
fn no_room() -> Failure {
    let text = "the file cannot be stored, so it cannot be checked first";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, text)
}
