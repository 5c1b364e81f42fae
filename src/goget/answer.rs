//! From a request to its response.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::BodyExt as _;

use super::error::{GoGetError, Kind};
use super::files::{Asked, Found, Job, Zip};
use super::observe::event;
use super::worker::Worker;
use crate::access::value::Access;
use crate::reply;
use crate::source::SourceBody;
use crate::source::file_body::FileBody;
use crate::target::resource::Resource;
use crate::target::value::Target;

/// The body of a response of [`GoGet`](super::GoGet). Its size hint is exact.
pub type GoGetBody = SourceBody<io::Error>;

/// What a client is told to wait, in seconds, if a host limits the rate of requests.
const WAIT: HeaderValue = HeaderValue::from_static("30");

/// A request that can be answered.
pub(super) struct Order {
    target: Target<'static>,
    is_head: bool,
    access: Option<Access>,
}

impl Order {
    /// Everything else of the request, its headers above all, is ignored. So it is an auth layer that says whose the
    /// answer is, not the client.
    pub(super) fn from<R>(request: &Request<R>) -> Result<Self, GoGetError> {
        let refuse = |text: &str| GoGetError::new(Kind::NotModule, text);
        let target = Target::parse(request.uri().path())
            .map_err(|error| refuse(&error.to_string()))?
            .ok_or_else(|| refuse("not a request for a module"))?
            .into_owned();
        let is_head = *request.method() == Method::HEAD;
        if !is_head && *request.method() != Method::GET {
            return Err(GoGetError::new(Kind::Method, ""));
        }
        Ok(Self {
            target,
            is_head,
            access: request.extensions().get().cloned(),
        })
    }

    pub(super) async fn answer(
        self,
        worker: &Arc<Worker>,
    ) -> Result<Response<GoGetBody>, GoGetError> {
        let resource = self.target.resource();
        let text = |text: &Bytes| (Some(text.len() as u64), GoGetBody::whole(text.clone()));
        let (len, body) = match self.found(worker).await? {
            Found::List(lines) => text(&lines),
            Found::Version(files) => match (resource, &files.go_mod, &files.zip) {
                (Resource::Mod, Some(go_mod), _) => text(go_mod),
                (Resource::Zip, _, Some(zip)) => (Some(zip.len), body_of(zip)),
                (Resource::Zip, _, None) if self.is_head => (None, GoGetBody::default()),
                (Resource::Mod | Resource::Zip, ..) => {
                    return Err(GoGetError::nonsense("it has left no such file"));
                }
                _ => text(&files.info),
            },
        };
        let mut response = Response::new(match self.is_head {
            true => GoGetBody::default(),
            false => body,
        });
        let headers = response.headers_mut();
        let content_type = HeaderValue::from_static(resource.content_type());
        headers.insert(CONTENT_TYPE, content_type);
        if let Some(len) = len {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
        }
        if self.access.is_some() && !worker.settings.shared {
            // For no cache that others use (RFC 9111, section 5.2.2.7).
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("private"));
        }
        Ok(response)
    }

    fn job(&self, asked: Asked) -> Job {
        Job {
            module: self.target.module().into_owned(),
            asked,
            access: self.access.clone(),
        }
    }

    /// Out of a run of a moment ago, of one that goes on, or of a new one. Only a zip that is read needs a run that makes
    /// one.
    async fn found(&self, worker: &Arc<Worker>) -> Result<Found, GoGetError> {
        let resource = self.target.resource();
        let Some(version) = self.target.version() else {
            let asked = match self.target.query() {
                Some(query) => Asked::Query(query.into_owned()),
                None if resource == Resource::List => Asked::List,
                None => Asked::Query("latest".to_owned()),
            };
            return worker.done(self.job(asked)).await;
        };
        let version = version.into_owned();
        let whole = self.job(Asked::Files(version.clone()));
        if resource != Resource::Zip || self.is_head {
            let is_enough = |found: &Found| match found {
                Found::Version(files) => resource != Resource::Mod || files.go_mod.is_some(),
                Found::List(_) => false,
            };
            // A zip that is just being made brings them too. If it cannot be made, they may still be there.
            if let Some(flight) = worker.flights.get(&whole)
                && let Ok(found) = flight.await
                && is_enough(&found)
            {
                return Ok(found);
            }
            let found = worker.done(self.job(Asked::LookUp(version))).await?;
            if is_enough(&found) {
                return Ok(found);
            }
        }
        worker.done(whole).await
    }
}

fn body_of(zip: &Zip) -> GoGetBody {
    let file = FileBody::new(Arc::clone(&zip.file), zip.len);
    GoGetBody::new(file.map_err(|error| {
        event!(warn, "a zip broke off", error);
        error
    }))
}

impl GoGetError {
    /// The response for a client: the status, and the reason as `text/plain`, which is all that the go command shows.
    ///
    /// The error itself is in the response's extensions.
    #[must_use]
    pub fn into_response(self) -> Response<GoGetBody> {
        let response = match self.kind() {
            Kind::Method => reply::method_not_allowed(),
            _ => reply::text(self.status(), &self.reason()),
        };
        let never = |never: Infallible| match never {};
        let mut response = response.map(|body| GoGetBody::new(body.map_err(never)));
        let wait = match self.kind() {
            Kind::TooMany => Some(WAIT),
            // Who waited for ever is told to come in a while.
            Kind::Busy(wait) => Some(HeaderValue::from(wait.as_secs().clamp(1, 60 * 60))),
            _ => None,
        };
        let headers = response.headers_mut();
        headers.extend(wait.map(|wait| (RETRY_AFTER, wait)));
        response.extensions_mut().insert(self);
        response
    }
}
