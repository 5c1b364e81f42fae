//! What is asked for, and the way to its answer.

use std::io;
use std::sync::Arc;

use http::{Method, Request, Response};

use super::backend::Backend;
use super::body::GoGetBody;
use super::error::{GoGetError, Kind};
use super::file::FileParts;
use super::job::{Asked, Job};
use super::reply::{Audience, found};
use super::runner::nonsense;
use crate::access::value::Access;
use crate::module::path::ModulePath;
use crate::module::version::Version;
use crate::target::resource::Resource;
use crate::target::value::Target;

/// A request that can be answered.
pub(super) struct Order {
    target: Target<'static>,
    head: bool,
    access: Option<Access>,
}

impl Order {
    /// Everything else of the request, its headers above all, stays here. So it is an auth layer that says whose the
    /// answer is, not the client.
    pub(super) fn from<R>(request: &Request<R>) -> Result<Self, GoGetError> {
        let refuse = |text: String| GoGetError::new(Kind::NotModule, text);
        let target = Target::parse(request.uri().path())
            .map_err(|error| refuse(error.to_string()))?
            .ok_or_else(|| refuse("no module request".to_owned()))?
            .into_owned();
        let head = *request.method() == Method::HEAD;
        if !head && *request.method() != Method::GET {
            return Err(GoGetError::new(Kind::Method, ""));
        }
        let access = request.extensions().get().cloned();
        Ok(Self {
            target,
            head,
            access,
        })
    }

    pub(super) async fn answer(
        self,
        backend: Arc<Backend>,
    ) -> Result<Response<GoGetBody>, GoGetError> {
        let audience = match &self.access {
            Some(_) if !backend.config.shared => Audience::Owner,
            _ => Audience::Everyone,
        };
        let module = self.target.module().into_owned();
        let resource = self.target.resource();
        let (len, body) = match self.target.version() {
            Some(version) => {
                let version = version.into_owned();
                let file = file(&backend, self.access, &module, &version, resource).await?;
                (file.left(), GoGetBody::file(file))
            }
            None => {
                let asked = match self.target.query() {
                    Some(query) => Asked::Query(query.into_owned()),
                    None if resource == Resource::List => Asked::List,
                    None => Asked::Query("latest".to_owned()),
                };
                let job = Job {
                    module,
                    asked,
                    access: self.access,
                };
                let text = backend.done(job).await?;
                (text.len() as u64, GoGetBody::text(text))
            }
        };
        let body = if self.head {
            GoGetBody::default()
        } else {
            body
        };
        Ok(found(resource, len, body, audience))
    }
}

/// A file of a version: out of the module cache, where the go command puts it first if need be.
async fn file(
    backend: &Arc<Backend>,
    access: Option<Access>,
    module: &ModulePath<'static>,
    version: &Version<'static>,
    resource: Resource,
) -> Result<FileParts, GoGetError> {
    let cached = backend.cached(access.as_ref(), module, version);
    let stored = async || {
        cached
            .open(resource)
            .await
            .map_err(|error| unreadable(&error))
    };
    if let Some(file) = stored().await? {
        return Ok(file);
    }
    let job = |asked| Job {
        module: module.clone(),
        asked,
        access: access.clone(),
    };
    let files = job(Asked::Files(version.clone()));
    // The info comes with the other files. It needs a run of its own only if nobody wants those, or if they cannot be had.
    let is_info = resource == Resource::Info;
    let is_made = is_info
        && backend.flights.find(&files).is_some()
        && backend.done(files.clone()).await.is_ok();
    if is_info && !is_made {
        backend.done(job(Asked::Info(version.clone()))).await?;
    } else if !is_info {
        backend.done(files).await?;
    }
    stored().await?.ok_or_else(|| match resource {
        // It was removed, since it is not the one of the version.
        Resource::Mod => nonsense("it has left a go.mod that is not the one of the module"),
        _ => GoGetError::new(Kind::Local, "a file of the module cache has gone"),
    })
}

fn unreadable(error: &io::Error) -> GoGetError {
    GoGetError::new(Kind::Local, format!("the module cache: {error}"))
}
