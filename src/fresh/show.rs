//! What clients see: what the source says, united with what is stored.

use bytes::Bytes;
use http::StatusCode;

use super::list;
use super::question::Question;
use super::said::Said;
use super::shared::Shared;
use super::shown::{Caching, Shown};
use super::stored::{Stored, info};
use crate::module::Version;
use crate::observe;
use crate::storage::StorageError;
use crate::target::Resource;

/// What is stored of a module, as far as it matters to a question. A storage that fails has nothing.
pub(super) struct Storeroom<'a> {
    pub(super) shared: &'a Shared,
    pub(super) stored: Stored,
}

impl<'a> Storeroom<'a> {
    /// What may be added to what the source says.
    pub(super) async fn read(shared: &'a Shared, question: &Question, said: &Said) -> Self {
        let may_add = match question.target.resource() {
            Resource::List => said.is_found() || is_not_found(said.status),
            Resource::Latest => is_not_found(said.status),
            _ => false,
        };
        match may_add {
            true => Self::all(shared, question).await,
            false => Self {
                shared,
                stored: Stored::default(),
            },
        }
    }

    pub(super) async fn all(shared: &'a Shared, question: &Question) -> Self {
        let stored = observe::found(Stored::read(&shared.storage, question).await);
        Self { shared, stored }
    }

    /// Whether a version is of use without a source.
    pub(super) fn has(&self, version: &Version<'_>) -> bool {
        self.stored
            .usable()
            .iter()
            .any(|stored| stored == version.escaped())
    }

    /// What the source says, with what is stored.
    pub(super) async fn shown(&self, question: &Question, said: &Said, caching: Caching) -> Shown {
        let shown = Shown::of(said, caching);
        let knows_more = !self.stored.versions.is_empty();
        match question.target.resource() {
            Resource::List if said.is_found() || knows_more && is_not_found(said.status) => {
                let list = match said.is_found() {
                    true => &said.content,
                    false => &Bytes::new(),
                };
                Shown {
                    status: StatusCode::OK,
                    content: self.united(question, list, &self.stored.versions).await,
                    private: said.private || self.stored.private,
                    caching,
                }
            }
            Resource::Latest if is_not_found(said.status) && knows_more => {
                match self.alone(question).await {
                    Some(found) => Shown { caching, ..found },
                    None => shown,
                }
            }
            _ => shown,
        }
    }

    /// What is stored, where nothing else is known.
    ///
    /// # Errors
    ///
    /// The storage fails.
    pub(super) async fn try_alone(
        &self,
        question: &Question,
    ) -> Result<Option<Shown>, StorageError> {
        let found = |content| Shown {
            status: StatusCode::OK,
            content,
            private: self.stored.private,
            caching: Caching::Stale,
        };
        let version = match question.target.resource() {
            Resource::List if self.stored.versions.is_empty() => return Ok(None),
            Resource::List => {
                let nothing = Bytes::new();
                let list = self.united(question, &nothing, self.stored.usable());
                return Ok(Some(found(list.await)));
            }
            Resource::Latest => self.stored.latest().map(Version::into_owned),
            // What came before modules is asked for without its suffix.
            _ => question
                .target
                .query()
                .and_then(|query| Version::new(format!("{query}+incompatible")).ok()),
        };
        match version.filter(|version| self.has(version)) {
            Some(version) => Ok(info(&self.shared.storage, question, &version)
                .await?
                .map(found)),
            None => Ok(None),
        }
    }

    async fn united(&self, question: &Question, list: &Bytes, more: &[String]) -> Bytes {
        let module = question.target.module();
        list::with(&module, list, more, &self.shared.sorting).await
    }

    /// The same; a storage that fails has nothing.
    pub(super) async fn alone(&self, question: &Question) -> Option<Shown> {
        observe::found(self.try_alone(question).await)
    }
}

fn is_not_found(status: StatusCode) -> bool {
    [StatusCode::NOT_FOUND, StatusCode::GONE].contains(&status)
}
