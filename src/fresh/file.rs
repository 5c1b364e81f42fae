//! How a file of a version is answered: by the layer inside, unless it is known not to exist.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::RETRY_AFTER;
use http::{Method, Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout};
use tower::BoxError;

use super::absent::{belongs_to, instead_of_failure};
use super::ask::{Heard, Inner, judge_error};
use super::asked::Asked;
use super::complete;
use super::memory::Kept;
use super::said::{Said, is_absence, is_failure};
use super::shown::{ASKED, Caching, STALE, Shown};
use crate::access::value::Access;
use crate::layer_body::LayerBody;
use crate::observe::{self, Answer};
use crate::reply::Busy;
use crate::shared_caches::has_directive;

/// How long a file may take to come out of the storage while the source is silent.
const HITS: Duration = Duration::from_millis(100);

impl Asked {
    /// `response` is that of the layer inside.
    pub(super) async fn file<B>(
        &self,
        mut response: BoxFuture<'static, Response<B>>,
        inner: impl FnOnce() -> Inner,
    ) -> Response<LayerBody<B>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (shared, question) = (&self.shared, &self.question);
        if let Some(known) = self.known() {
            return known.map(LayerBody::own);
        }
        let patience = if shared.is_silent() {
            HITS
        } else {
            shared.patience
        };
        let response = match timeout(patience, &mut response).await {
            Ok(response) => response,
            Err(_) => match instead_of_failure(shared, question).await {
                Some(absence) => {
                    shared.set_silent(true);
                    self.hear_of(response);
                    return self.stands_in(&absence).map(LayerBody::own);
                }
                None => response.await,
            },
        };
        let status = response.status();
        let is_get = self.client.method == Method::GET;
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            belongs_to(shared, question);
        }
        if is_get && is_new(&response) {
            shared.set_silent(false);
            complete::others(shared, &inner(), question, &self.client.extensions);
        }
        if is_failure(status)
            && let Some(absence) = instead_of_failure(shared, question).await
        {
            return self.stands_in(&absence).map(LayerBody::own);
        }
        if !is_get || !self.is_kept(&response) {
            return response.map(LayerBody::inner);
        }
        let (head, body) = response.into_parts();
        let body = body.map_err(Into::into).boxed_unsync();
        let shown = match judge_error(status, &head.headers, body, false, shared).await {
            Heard::Said(said) | Heard::ForOnce(said) => self.remember(said),
            Heard::Failed(shown) => self.leave_alone(shown),
            Heard::Unchanged => Shown::text(StatusCode::BAD_GATEWAY, "the source said nothing"),
        };
        self.response(&shown, ASKED).map(LayerBody::own)
    }

    /// Whether it says something that holds for the next one who asks.
    fn is_kept<B>(&self, response: &Response<B>) -> bool {
        let (status, headers) = (response.status(), response.headers());
        let no_store = !self.shared.ignore_cache_control && has_directive(headers, "no-store");
        let by_user = self.client.extensions.get::<Access>().is_some();
        match status {
            StatusCode::FORBIDDEN => !no_store && !by_user,
            status if is_absence(status) => !no_store,
            status => {
                let is_of_source = response.extensions().get::<Busy>().is_none();
                is_of_source && is_failure(status) && headers.contains_key(RETRY_AFTER)
            }
        }
    }

    fn remember(&self, said: Said) -> Shown {
        let shared = &self.shared;
        shared.set_silent(false);
        let ask_at = Instant::now() + shared.lifetime(said.status);
        let shown = Shown::of(&said, Caching::Until(ask_at));
        let kept = Arc::new(Kept::new(said, shown.clone(), &self.question, ask_at));
        shared.memory.put(&self.question, &kept);
        shared.pending.put(&self.question, &kept);
        shown
    }

    /// The source has said when to ask again.
    fn leave_alone(&self, shown: Shown) -> Shown {
        if let Some(kept) = Kept::until_retry(&shown, &self.question) {
            self.shared.memory.put(&self.question, &Arc::new(kept));
        }
        shown
    }

    fn stands_in(&self, absence: &Shown) -> Response<http_body_util::Full<Bytes>> {
        observe::answered(Answer::Stale);
        self.response(absence, STALE)
    }

    /// Learns from a response that nobody waits for any more whether the source has spoken.
    fn hear_of<B: Send + 'static>(&self, response: BoxFuture<'static, Response<B>>) {
        let shared = Arc::clone(&self.shared);
        let Ok(slot) = Arc::clone(&shared.completions).try_acquire_owned() else {
            return;
        };
        let tasks = shared.flights.tasks.clone();
        tasks.spawn(async move {
            let status = response.await.status();
            if !is_failure(status) {
                shared.set_silent(false);
            }
            drop(slot);
        });
    }
}

/// Whether a `Fill` has just begun to fetch the file.
fn is_new<B>(response: &Response<B>) -> bool {
    let mut statuses = response.headers().get_all("cache-status").iter();
    let last = statuses.next_back().map(|status| status.as_bytes());
    let is_sent = [StatusCode::OK, StatusCode::SEE_OTHER].contains(&response.status());
    is_sent
        && last.is_some_and(|last| {
            last.windows(8).any(|word| word == b"fwd=miss") && !last.ends_with(b"collapsed")
        })
}
