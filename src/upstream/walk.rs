//! The way through the list.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::CACHE_CONTROL;
use http::{Request, Response, StatusCode};
use http_body_util::Empty;
use tower::ServiceExt as _;
use tower::util::BoxCloneSyncService;

use super::ask::{Ask, Http, Wanted};
use super::body::{Parts, UpstreamBody};
use super::clock::Deadline;
use super::config::Config;
use super::error::{Kind, UpstreamError};
use super::fetch::{fetch, once};
use super::list::{Place, Then};
use super::{file, observe};
use crate::reply::NO_STORE;
use crate::shared_caches::make_private;
use crate::source::Uncertain;
use crate::source::health::Advice;
use crate::target::Target;

/// How long a registry that was slow has for an answer, if no other one is asked in its place.
const GRACE: Duration = Duration::from_secs(2);

/// The service for `direct`.
pub(super) type Direct = BoxCloneSyncService<Request<Empty<Bytes>>, Response<Parts>, Infallible>;

type Answer = Result<Response<UpstreamBody>, UpstreamError>;

/// One request, and all that it is answered with.
pub(super) struct Walk {
    pub(super) target: Target<'static>,
    pub(super) wanted: Wanted,
    pub(super) config: Arc<Config>,
    pub(super) http: Http,
    pub(super) direct: Option<Direct>,
    pub(super) deadline: Deadline,
}

impl Walk {
    /// Goes through the list. Of several errors the last counts, but "it does not exist" only if all say so who answer.
    ///
    /// The go command walks through it once for a whole question, of which one request is a part: it never learns that
    /// an entry is away behind one that has what it wants. So such an entry is left out, but only where no name is told to
    /// a later one that is not for it: before a `|`, or at the end of what does not exist elsewhere.
    pub(super) async fn go(self) -> Answer {
        let (mut best, mut left_out): (Option<UpstreamError>, Option<UpstreamError>) = (None, None);
        let mut says_no = false;
        let config = Arc::clone(&self.config);
        let entries = config.list.entries();
        for (index, entry) in entries.iter().enumerate() {
            if let Some(error) = left_out.as_ref().or(best.as_ref()) {
                observe::next_entry(&self.wanted.path, error);
            }
            let is_behind_no = says_no && best.as_ref().is_some_and(UpstreamError::is_not_found);
            let is_last = index + 1 == entries.len();
            let may_leave_out = match entry.then {
                _ if is_last => is_behind_no,
                Then::IfAnyError => true,
                Then::IfNotFound => false,
            };
            let answer = match &entry.place {
                Place::Off => Err(UpstreamError::new(Kind::Off)),
                Place::File(folder) => file::open(folder, &self.wanted.method, &self.target).await,
                Place::Http(registry) => {
                    let ask = Ask {
                        http: self.http.clone(),
                        config: Arc::clone(&config),
                        registry: Arc::clone(registry),
                        wanted: self.wanted.clone(),
                    };
                    let may_wait = !may_leave_out || is_last;
                    ask_registry(ask, may_leave_out, may_wait, self.deadline).await
                }
                Place::Direct => match self.direct {
                    Some(direct) => {
                        let mut response = answer_direct(direct, &self.wanted).await;
                        let gone = [StatusCode::NOT_FOUND, StatusCode::GONE];
                        let is_not_found = gone.contains(&response.status());
                        match &best {
                            Some(best) if is_not_found && !best.is_not_found() => break,
                            _ if is_not_found && left_out.is_some() => {
                                response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
                                response.extensions_mut().insert(Uncertain);
                            }
                            _ => {}
                        }
                        return Ok(response);
                    }
                    // No list with `direct` is taken without a service for it.
                    None => Err(UpstreamError::new(Kind::Off)),
                },
            };
            let error = match answer {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            if may_leave_out && error.is_away() {
                left_out = Some(error);
                continue;
            }
            let is_not_found = error.is_not_found();
            says_no |= is_not_found && !matches!(entry.place, Place::Off);
            best = match best {
                Some(best) if is_not_found && !best.is_not_found() => Some(best),
                _ => Some(error),
            };
            if entry.then == Then::IfNotFound && !is_not_found {
                break;
            }
        }
        Err(match (best, left_out) {
            (Some(best), Some(_)) if says_no || !best.is_not_found() => best.uncertain(),
            (_, Some(left_out)) => left_out,
            (Some(best), None) => best,
            (None, None) => UpstreamError::new(Kind::Off),
        })
    }
}

/// Asks a registry as far as it is worth the wait.
async fn ask_registry(ask: Ask, may_leave_out: bool, may_wait: bool, deadline: Deadline) -> Answer {
    let registry = Arc::clone(&ask.registry);
    let health = registry.health();
    let is_doubtful = may_wait && health.is_doubtful();
    let answer = match health.advice() {
        Advice::Ask => fetch(ask, deadline).await,
        // A connection that is refused costs nothing, and the registry may be back.
        Advice::Probe(error) | Advice::Leave(error)
            if !may_leave_out && error.limit().is_none() =>
        {
            fetch(ask, deadline).await
        }
        Advice::Leave(error) if !is_doubtful => Err(error),
        Advice::Probe(error) | Advice::Leave(error) => {
            let probe = tokio::spawn(probe(ask, deadline));
            let waits = is_doubtful || !may_leave_out;
            let grace = if waits { GRACE } else { Duration::ZERO };
            match tokio::time::timeout(grace, probe).await {
                Ok(Ok(answer)) => answer,
                _ => {
                    health.doubt(false);
                    Err(error)
                }
            }
        }
    };
    answer.map_err(|error| match error.is_silence() && health.is_away() {
        true => error.away(),
        false => error,
    })
}

/// Goes on when nobody waits for it any more.
async fn probe(ask: Ask, deadline: Deadline) -> Answer {
    let registry = Arc::clone(&ask.registry);
    let answers = registry.health().answers();
    let answer = deadline.run(once(ask, deadline)).await;
    answer.map_err(|error| {
        registry.failed(answers, &error);
        error.at(registry.base().host())
    })
}

/// The answer of the service for `direct`, which may have used credentials of ours for it.
async fn answer_direct(direct: Direct, wanted: &Wanted) -> Response<UpstreamBody> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = wanted.method.clone();
    // A checked target is always a path.
    if let Ok(uri) = wanted.path.parse() {
        *request.uri_mut() = uri;
    }
    let Ok(mut response) = direct.oneshot(request).await;
    if response.status().is_success() {
        make_private(response.headers_mut());
    }
    response.map(UpstreamBody::new)
}
