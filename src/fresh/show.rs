//! What clients see: what the source says, united with what is stored. A storage that fails has nothing.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;

use super::absent;
use super::list;
use super::question::Question;
use super::said::Said;
use super::shared::Shared;
use super::shown::{Caching, Shown};
use super::stored::{Stored, file};
use crate::module::Version;
use crate::observe;
use crate::storage::StorageError;
use crate::target::Resource;

/// What the source says, with what is stored.
pub(super) async fn show(
    shared: &Arc<Shared>,
    question: &Question,
    said: &Said,
    caching: Caching,
) -> Shown {
    let shown = Shown::of(said, caching);
    let is_not_found = [StatusCode::NOT_FOUND, StatusCode::GONE].contains(&said.status);
    let may_add = match question.target.resource() {
        Resource::List => said.is_found() || is_not_found,
        Resource::Latest => is_not_found,
        _ => false,
    };
    if !may_add {
        return shown;
    }
    let stored = observe::found(Stored::read(&shared.storage, question).await);
    if stored.any {
        absent::is_stored(shared, question);
    }
    if stored.versions.is_empty() && !said.is_found() {
        return shown;
    }
    if question.is_list() {
        let list = said.is_found().then(|| said.content.clone());
        return Shown {
            status: StatusCode::OK,
            content: list::with(&list.unwrap_or_default(), &stored.versions),
            private: said.private || stored.private,
            caching,
        };
    }
    match observe::found(stored_alone(shared, question, &stored).await) {
        Some(found) => Shown { caching, ..found },
        None => shown,
    }
}

/// What is stored, where nothing else is known.
pub(super) async fn show_stored(shared: &Shared, question: &Question) -> Option<Shown> {
    let stored = observe::found(Stored::read(&shared.storage, question).await);
    observe::found(stored_alone(shared, question, &stored).await)
}

/// What is stored, without a source.
///
/// # Errors
///
/// The storage fails.
pub(super) async fn stored_alone(
    shared: &Shared,
    question: &Question,
    stored: &Stored,
) -> Result<Option<Shown>, StorageError> {
    let found = |content| Shown {
        status: StatusCode::OK,
        content,
        private: stored.private,
        caching: Caching::Stale,
    };
    let version = match question.target.resource() {
        Resource::List if stored.versions.is_empty() => return Ok(None),
        Resource::List => {
            let list = list::with(&Bytes::new(), stored.usable());
            return Ok(Some(found(list)));
        }
        Resource::Latest => stored.latest(&shared.storage, question).await?,
        // What came before modules is asked for without its suffix.
        _ => question
            .target
            .query()
            .and_then(|query| Version::new(format!("{query}+incompatible")).ok()),
    };
    match version.filter(|version| stored.has(version)) {
        Some(version) => {
            let info = file(&shared.storage, question, &version, Resource::Info);
            Ok(info.await?.map(found))
        }
        None => Ok(None),
    }
}
