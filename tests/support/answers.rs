//! What a server has answered, seen from outside of it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode, Version};
use tower::{Service, ServiceExt as _, service_fn, util::BoxCloneSyncService};

/// One answer, as it left.
#[derive(Clone, Debug)]
pub struct Sent {
    /// As it was on the wire.
    pub path: String,
    pub version: Version,
    pub status: StatusCode,
    /// Without the name of the cache; empty where there is none.
    pub cache_status: String,
}

/// A growing record of answers. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    all: Arc<Mutex<Vec<Sent>>>,
}

impl Answers {
    /// All answers so far, oldest first.
    pub fn all(&self) -> Vec<Sent> {
        self.all.lock().unwrap().clone()
    }

    /// Forgets them all, so that a second part of a test counts from zero.
    pub fn clear(&self) {
        self.all.lock().unwrap().clear();
    }

    /// Records what this service answers.
    pub fn of<S, A, B>(
        &self,
        service: S,
    ) -> BoxCloneSyncService<Request<A>, Response<B>, Infallible>
    where
        S: Service<Request<A>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + Sync + 'static,
        S::Future: Send,
        A: Send + 'static,
        B: 'static,
    {
        let all = Arc::clone(&self.all);
        BoxCloneSyncService::new(service_fn(move |request: Request<A>| {
            let (service, all) = (service.clone(), Arc::clone(&all));
            async move {
                let (path, version) = (request.uri().to_string(), request.version());
                let response = service.oneshot(request).await?;
                let cache_status = response.headers().get("cache-status").map(|value| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    value.trim_start_matches("tower-goproxy; ").to_owned()
                });
                all.lock().unwrap().push(Sent {
                    path,
                    version,
                    status: response.status(),
                    cache_status: cache_status.unwrap_or_default(),
                });
                Ok(response)
            }
        }))
    }
}
