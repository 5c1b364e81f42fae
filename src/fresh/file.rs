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

use super::absent::{instead_of_failure, is_absent, is_stored};
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
    /// `known` is what is known and still good, and `response` that of the layer inside: out of the storage alone, if the
    /// source has failed and wants to be left alone.
    pub(super) async fn file<B>(
        &self,
        known: Option<Arc<Kept>>,
        mut response: BoxFuture<'static, Response<B>>,
        inner: impl FnOnce() -> Inner,
    ) -> Response<LayerBody<B>>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (shared, question) = (&self.shared, &self.question);
        if let Some(known) = known {
            if known.is_failure() {
                let response = response.await;
                let missing = [StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE];
                if !missing.contains(&response.status()) {
                    return response.map(LayerBody::inner);
                }
            }
            return self.hit(&known).map(LayerBody::own);
        }
        let patience = match shared.is_silent() {
            true => HITS,
            false => shared.patience,
        };
        let response = match timeout(patience, &mut response).await {
            Ok(response) => response,
            Err(_) => match instead_of_failure(shared, question).await {
                Some(absence) => {
                    shared.set_silent(true);
                    return self.stands_in(&absence).map(LayerBody::own);
                }
                None => response.await,
            },
        };
        let status = response.status();
        let is_get = self.client.method == Method::GET;
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            is_stored(shared, question);
        }
        if is_get && is_new(&response) {
            shared.set_silent(shared.is_silent() && !status.is_success());
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
        let shown = match judge_error(status, &head.headers, body, false).await {
            Heard::Said(said) | Heard::ForOnce(said) => self.remember(said),
            Heard::Failed(shown) => {
                // The source has said when to ask again.
                if let Some(kept) = Kept::until_retry(&shown, question) {
                    shared.memory.put(question.path(), &Arc::new(kept));
                }
                shown
            }
        };
        self.response(&shown, ASKED).map(LayerBody::own)
    }

    /// Whether it says something that holds for the next one who asks.
    fn is_kept<B>(&self, response: &Response<B>) -> bool {
        let (status, headers) = (response.status(), response.headers());
        let no_store = has_directive(headers, "no-store");
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
        shared.memory.put(self.question.path(), &kept);
        is_absent(shared, &self.question, &kept);
        shown
    }

    fn stands_in(&self, absence: &Shown) -> Response<http_body_util::Full<Bytes>> {
        observe::answered(Answer::Stale);
        self.response(absence, STALE)
    }
}

/// Whether a `Fill` has just begun to fetch the file.
fn is_new<B>(response: &Response<B>) -> bool {
    let mut statuses = response.headers().get_all("cache-status").iter();
    statuses.next_back().is_some_and(|last| {
        let last = last.as_bytes();
        last.ends_with(b"fwd=miss; stored") || last.ends_with(b"detail=filling")
    })
}
