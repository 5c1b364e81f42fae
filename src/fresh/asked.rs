//! How a list, `@latest` or a query is answered.

use std::sync::Arc;

use bytes::Bytes;
use http::{Response, StatusCode, request};
use http_body_util::Full;

use super::ask::{Inner, version_of};
use super::flight::Stage;
use super::memory::Kept;
use super::question::Question;
use super::records;
use super::refresh::Refresh;
use super::shared::Shared;
use super::show::stored_alone;
use super::shown::{ASKED, COLLAPSED, Caching, HIT, STALE, Shown};
use super::stored::Stored;
use crate::observe::{self, Answer};
use crate::storage::StorageError;
use crate::target::Resource;

/// What is requested, and by whom.
pub(super) struct Asked {
    pub(super) shared: Arc<Shared>,
    pub(super) question: Question,
    pub(super) client: request::Parts,
}

impl Asked {
    /// `inner` is called only if nobody else has asked.
    pub(super) async fn changing(&self, inner: impl FnOnce() -> Inner) -> Response<Full<Bytes>> {
        let (shared, question) = (&self.shared, &self.question);
        // After a failure something may have been stored.
        if let Some(known) = self.known().filter(|known| !known.is_failure()) {
            return self.hit(&known);
        }
        let (mut stage, flight) = shared.flights.join(question.path(), &question.access);
        let is_first = flight.is_some();
        if let Some(flight) = flight {
            let refresh = Refresh {
                question: question.clone(),
                extensions: self.client.extensions.clone(),
                inner: inner(),
                shared: Arc::clone(shared),
                flight,
            };
            shared.flights.spawn(refresh.run());
        }
        let reached = stage
            .wait_for(|stage| !matches!(stage, Stage::Waiting))
            .await;
        match reached.map(|stage| stage.clone()) {
            Ok(Stage::Answered(shown)) => {
                self.response(&shown, if is_first { ASKED } else { COLLAPSED })
            }
            Ok(Stage::Stale(shown)) => {
                observe::answered(Answer::Stale);
                self.response(&shown, STALE)
            }
            // Its task has died.
            Ok(Stage::Waiting) | Err(_) => {
                let text = "the request to the source was given up";
                self.response(&Shown::text(StatusCode::BAD_GATEWAY, text), ASKED)
            }
        }
    }

    /// What is known and still good, for this one who asks.
    pub(super) fn known(&self) -> Option<Arc<Kept>> {
        let known = self.shared.memory.get(self.question.path())?;
        known.is_fresh(&self.question).then_some(known)
    }

    pub(super) fn hit(&self, known: &Kept) -> Response<Full<Bytes>> {
        let (answer, state) = match known.shown.caching {
            Caching::Stale => (Answer::Stale, STALE),
            _ => (Answer::Hit, HIT),
        };
        observe::answered(answer);
        self.response(&known.shown, state)
    }

    /// What is stored, and nothing else.
    pub(super) async fn stored_only(&self) -> Response<Full<Bytes>> {
        match self.find_stored().await {
            Ok(Some(shown)) => {
                observe::answered(Answer::Hit);
                self.response(&shown, HIT)
            }
            Ok(None) => {
                let text = "not found: temporarily unavailable";
                self.response(&Shown::text(StatusCode::NOT_FOUND, text), ASKED)
            }
            Err(error) => {
                observe::storage_failed(&error);
                let text = "the storage does not answer";
                self.response(&Shown::text(StatusCode::SERVICE_UNAVAILABLE, text), ASKED)
            }
        }
    }

    async fn find_stored(&self) -> Result<Option<Shown>, StorageError> {
        let (shared, question) = (&self.shared, &self.question);
        let stored = Stored::read(&shared.storage, question).await?;
        if question.target.resource() == Resource::Query
            && let Some(said) = records::read(&shared.storage, question).await?
            // Where a branch was is good for something only if that version is here.
            && version_of(&said.content).is_some_and(|version| stored.has(&version))
        {
            return Ok(Some(Shown::of(&said, Caching::Stale)));
        }
        stored_alone(shared, question, &stored).await
    }

    pub(super) fn response(&self, shown: &Shown, state: &'static str) -> Response<Full<Bytes>> {
        shown.response(
            &self.question,
            &self.client,
            self.shared.shared_caches,
            state,
        )
    }
}
