//! The storage, asked for what one request wants.

use std::sync::Arc;

use http::{Method, Response, Version, request};
use tokio::time::timeout;

use super::common::Common;
use super::conditional::{Plan, is_plain, plan};
use super::head::{CacheStatus, etag, of_file};
use crate::access::value::Access;
use crate::observe::{self, Answer};
use crate::storage::{Found, Key, StorageError, StoredBody, caught};
use crate::target::Target;

/// What one request wants, whoever answers it.
pub(super) struct Wanted {
    /// For whom the answer is; `None` for everyone.
    pub(super) access: Option<Access>,
    pub(super) common: Arc<Common>,
    pub(super) target: Target<'static>,
    pub(super) parts: request::Parts,
}

impl Wanted {
    /// Where the file is stored. `None` for what is no file.
    pub(super) fn key(&self) -> Option<Key> {
        let key = Key::new(&self.target)?;
        Some(match &self.access {
            Some(access) => key.for_owner(access.owner_name()),
            None => key,
        })
    }

    /// The answer out of the storage, if the file is there.
    ///
    /// # Errors
    ///
    /// The storage failed, or took too long.
    pub(super) async fn stored(
        &self,
        key: &Key,
    ) -> Result<Option<Response<StoredBody>>, StorageError> {
        if let Some(file) = self.common.hot.get(key.as_str()) {
            observe::answered(Answer::Hit);
            return Ok(Some(file.answer(self.target.resource(), &self.parts)));
        }
        let found = timeout(
            self.common.config.storage_timeout,
            caught(self.look_up(key)),
        )
        .await;
        let found = found
            .map_err(|elapsed| StorageError::new("look up in time", key, elapsed))?
            .map_err(|panicked| StorageError::new("look up", key, panicked))?;
        let Some((size, plan, body)) = found? else {
            self.common.hot.remove(key);
            return Ok(None);
        };
        observe::answered(Answer::Hit);
        let mut response = of_file(&self.target, Some(size), &plan);
        CacheStatus::Hit.add_to(response.headers_mut());
        let body = body.within(self.common.config.storage_timeout);
        Ok(Some(response.map(|()| body)))
    }

    /// # Cancel safety
    ///
    /// Reads only.
    async fn look_up(&self, key: &Key) -> Result<Option<(u64, Plan, StoredBody)>, StorageError> {
        let headers = &self.parts.headers;
        if self.parts.method == Method::GET && is_plain(headers) {
            let found = self.common.storage.read(key, None).await?;
            return Ok(found.map(|found| match found {
                Found::Whole(content) => {
                    self.common.hot.put(key, &self.target, content.clone());
                    (
                        content.len() as u64,
                        Plan::Whole,
                        StoredBody::memory(content),
                    )
                }
                Found::Part { size, body } => (size, Plan::Whole, body),
            }));
        }
        let Some(size) = self.common.storage.size(key).await? else {
            return Ok(None);
        };
        let plan = self.plan(size);
        let range = match &plan {
            Plan::Whole if self.parts.method == Method::GET => Some(None),
            Plan::Part(range) if self.parts.method == Method::GET => Some(Some(range.clone())),
            _ => None,
        };
        let Some(range) = range else {
            return Ok(Some((size, plan, StoredBody::default())));
        };
        let found = self.common.storage.read(key, range).await?;
        Ok(found.map(|found| match found {
            Found::Whole(content) => (content.len() as u64, plan, StoredBody::memory(content)),
            Found::Part { size, body } => (size, plan, body),
        }))
    }

    pub(super) fn plan(&self, len: u64) -> Plan {
        match etag(&self.target, len) {
            Some(etag) => plan(&self.parts, &etag, len),
            None => Plan::Whole,
        }
    }

    /// A range needs it; and an HTTP/1.0 client takes a broken connection for a clean end, unless
    /// it was told the length.
    pub(super) fn needs_len(&self) -> bool {
        self.is_http10() || !is_plain(&self.parts.headers)
    }

    pub(super) fn is_http10(&self) -> bool {
        self.parts.version < Version::HTTP_11
    }

    /// `Disable-Module-Fetch: true` asks for what is stored and nothing else.
    pub(super) fn is_cached_only(&self) -> bool {
        self.parts
            .headers
            .get("disable-module-fetch")
            .is_some_and(|value| {
                matches!(
                    value.as_bytes(),
                    b"1" | b"t" | b"T" | b"true" | b"True" | b"TRUE"
                )
            })
    }
}
