//! What is asked for, and the way to its answer.

use std::io;
use std::sync::Arc;

use http::{Method, Request, Response};

use super::backend::Backend;
use super::body::GoGetBody;
use super::cache::Cached;
use super::error::{GoGetError, Kind};
use super::file::FileParts;
use super::job::{Asked, Job};
use super::reply::{Audience, found};
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
    if let Some(file) = stored(&cached, resource).await? {
        return Ok(file);
    }
    let files = Job {
        module: module.clone(),
        asked: Asked::Files(version.clone()),
        access,
    };
    // The info comes with the other files; it needs a run of its own only if nobody wants those.
    if resource == Resource::Info && backend.flights.find(&files).is_none() {
        let info = Job {
            module: module.clone(),
            asked: Asked::Info(version.clone()),
            access: files.access,
        };
        backend.done(info).await?;
    } else {
        backend.done(files).await?;
    }
    stored(&cached, resource)
        .await?
        .ok_or_else(|| GoGetError::new(Kind::Local, "a file of the module cache has gone"))
}

/// The file, if the go command is through with it.
async fn stored(cached: &Cached, resource: Resource) -> Result<Option<FileParts>, GoGetError> {
    let file = match resource {
        Resource::Info => cached.open("info").await,
        Resource::Mod if cached.is_known().await => cached.open("mod").await,
        Resource::Zip if cached.is_complete().await => cached.open("zip").await,
        _ => Ok(None),
    };
    file.map_err(|error| unreadable(&error))
}

fn unreadable(error: &io::Error) -> GoGetError {
    GoGetError::new(Kind::Local, format!("the module cache: {error}"))
}
