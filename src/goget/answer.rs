//! From a request to its response.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response};

use super::body::GoGetBody;
use super::error::{GoGetError, Kind};
use super::job::{Asked, Files, Found, Job, nonsense};
use super::worker::Worker;
use crate::access::value::Access;
use crate::module::version::Version;
use crate::reply;
use crate::target::resource::Resource;
use crate::target::value::Target;

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
        let is_private = self.access.is_some() && !worker.settings.shared;
        let (len, body) = match self.target.version() {
            Some(version) => {
                let files = self.files(worker, version.into_owned()).await?;
                content(&files, resource, self.is_head)?
            }
            None => {
                let asked = match self.target.query() {
                    Some(query) => Asked::Query(query.into_owned()),
                    None if resource == Resource::List => Asked::List,
                    None => Asked::Query("latest".to_owned()),
                };
                match worker.done(self.job(asked)).await? {
                    Found::List(text) | Found::Query(text, _) => of_text(text),
                    Found::Files(..) => return Err(nonsense("it has brought something else")),
                }
            }
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
        if is_private {
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

    /// The files of a version, this one among them: out of a run of a moment ago, of one that goes on, or of a new one.
    /// Only a zip that is read needs a run that makes one.
    async fn files(
        &self,
        worker: &Arc<Worker>,
        version: Version<'static>,
    ) -> Result<Arc<Files>, GoGetError> {
        let resource = self.target.resource();
        let has = |files: &Files| match resource {
            Resource::Mod => files.go_mod.is_some(),
            Resource::Zip => files.zip.is_some() || self.is_head,
            _ => true,
        };
        let (whole, look_up) = (
            self.job(Asked::Files(version.clone())),
            self.job(Asked::LookUp(version.clone())),
        );
        let is_known = match worker.kept(&whole, &version) {
            Some(files) if has(&files) => return Ok(files),
            found => found.is_some(),
        };
        let done = async |job| match worker.done(job).await? {
            Found::Files(_, files) => Ok(files),
            _ => Err(nonsense("it has brought something else")),
        };
        if resource != Resource::Zip || self.is_head {
            // A zip that is just being made brings them too. If it cannot be made, they may still be there.
            if worker.flights.has(&whole)
                && let Ok(files) = done(whole.clone()).await
                && has(&files)
            {
                return Ok(files);
            }
            if !is_known {
                let files = done(look_up).await?;
                if has(&files) {
                    return Ok(files);
                }
            }
        }
        done(whole).await
    }
}

/// The length, where it is known, and the body.
fn content(
    files: &Files,
    resource: Resource,
    is_head: bool,
) -> Result<(Option<u64>, GoGetBody), GoGetError> {
    Ok(match (resource, &files.go_mod, &files.zip) {
        (Resource::Mod, Some(text), _) => of_text(text.clone()),
        (Resource::Zip, _, Some(zip)) => (Some(zip.len), GoGetBody::zip(zip)),
        (Resource::Zip, _, None) if is_head => (None, GoGetBody::default()),
        (Resource::Mod | Resource::Zip, ..) => return Err(nonsense("it has left no such file")),
        _ => of_text(files.info.clone()),
    })
}

fn of_text(text: Bytes) -> (Option<u64>, GoGetBody) {
    (Some(text.len() as u64), GoGetBody::text(text))
}

impl GoGetError {
    /// The response for a client: the status, and the reason as `text/plain`, which is all that the go command shows.
    ///
    /// The error itself is in the response's extensions.
    #[must_use]
    pub fn into_response(self) -> Response<GoGetBody> {
        let text = reply::line(&self.reason());
        let len = text.len();
        let mut response = Response::new(GoGetBody::text(text.into()));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, reply::TEXT_PLAIN);
        headers.insert(CACHE_CONTROL, reply::NO_STORE);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(len));
        match self.kind() {
            Kind::Method => {
                headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            }
            Kind::TooMany => {
                headers.insert(RETRY_AFTER, WAIT);
            }
            Kind::Busy(wait) => {
                // Who waited for ever is told to come in a while.
                let seconds = wait.as_secs().clamp(1, 60 * 60);
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            _ => {}
        }
        response.extensions_mut().insert(self);
        response
    }
}
