//! What is asked for, and the way through the list.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body::Body;
use http_body_util::Empty;
use tower::BoxError;
use tower_service::Service;

use super::ask::{Ask, Wanted};
use super::body::UpstreamBody;
use super::clock::Deadline;
use super::config::Config;
use super::error::{Kind, UpstreamError};
use super::fetch::fetch;
use super::list::{Place, Then};
use super::{file, observe};
use crate::target::Target;

/// A request that can be answered.
pub(super) struct Order {
    target: Target<'static>,
    wanted: Wanted,
}

impl Order {
    /// Everything else of the request, its headers above all, stays here.
    pub(super) fn from<R>(request: &Request<R>) -> Result<Self, UpstreamError> {
        let refuse = |text: String| UpstreamError::new(Kind::NotModule(text.into()));
        let target = Target::parse(request.uri().path())
            .map_err(|error| refuse(format!("not found: {error}")))?
            .ok_or_else(|| refuse("not found: no module request".to_owned()))?;
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Err(UpstreamError::new(Kind::Method));
        }
        Ok(Self {
            wanted: Wanted {
                method: request.method().clone(),
                resource: target.resource(),
                path: target.to_uri_path(),
                extensions: request.extensions().clone(),
            },
            target: target.into_owned(),
        })
    }

    /// Goes through the list. Of several errors the last counts, but "it does not exist" only if all say so.
    pub(super) async fn fetch<C, B>(
        self,
        config: Arc<Config>,
        client: C,
        deadline: Deadline,
    ) -> Result<Response<UpstreamBody>, UpstreamError>
    where
        C: Service<Request<Empty<Bytes>>, Response = Response<B>> + Clone + Send + 'static,
        C::Error: Into<BoxError>,
        C::Future: Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let mut best: Option<UpstreamError> = None;
        for entry in config.list.entries() {
            if let Some(error) = &best {
                observe::next_entry(error);
            }
            let answer = match &entry.place {
                Place::Off => Err(UpstreamError::new(Kind::Off)),
                Place::File(directory) => {
                    file::open(directory, &self.wanted.method, &self.target).await
                }
                Place::Http(base) => {
                    let ask = Ask {
                        client: client.clone(),
                        config: Arc::clone(&config),
                        base: Arc::clone(base),
                        wanted: self.wanted.clone(),
                    };
                    fetch(ask, deadline).await
                }
            };
            let error = match answer {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let stop = entry.then == Then::IfNotFound && !error.is_not_found();
            best = match best {
                Some(best) if error.is_not_found() && !best.is_not_found() => Some(best),
                _ => Some(error),
            };
            if stop {
                break;
            }
        }
        Err(best.unwrap_or_else(|| UpstreamError::new(Kind::Off)))
    }
}
