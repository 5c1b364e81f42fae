//! What the storage has of a module.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::try_join;
use object_store::GetOptions;

use super::list;
use super::question::Question;
use crate::access::value::Access;
use crate::module::Version;
use crate::module::version::check_fits;
use crate::storage::{Content, Key, LookUp, Storage, StorageError};

/// The stored versions of a module, escaped.
#[derive(Debug, Default)]
pub(super) struct Stored {
    /// Those with an `.info` and a `.mod`.
    pub(super) versions: Vec<String>,
    /// Those of them with a `.zip`.
    whole: Vec<String>,
    /// One of them is for no shared cache.
    pub(super) private: bool,
    /// Whether anything is stored, complete or not.
    pub(super) any: bool,
}

impl Stored {
    /// Reads the folder of the module, of the requester's own area alone.
    pub(super) async fn read(storage: &Storage, question: &Question) -> Result<Self, StorageError> {
        let own = Self::of_folder(storage, question, question.folder());
        if !question.folder().is_empty() {
            return own.await;
        }
        let private = Self::of_folder(storage, question, "@private/");
        let (mut stored, private) = try_join(own, private).await?;
        stored.private = !private.versions.is_empty();
        stored.any |= private.any;
        stored.versions.extend(private.versions);
        stored.whole.extend(private.whole);
        Ok(stored)
    }

    async fn of_folder(
        storage: &Storage,
        question: &Question,
        folder: &str,
    ) -> Result<Self, StorageError> {
        let module = question.target.module();
        let folder = format!("{folder}{}/@v", module.escaped());
        let files = storage.list(&folder).await?;
        let mut parts: BTreeMap<&str, u8> = BTreeMap::new();
        let mut any = false;
        for file in &files {
            let name = file
                .strip_prefix(&folder)
                .and_then(|name| name.strip_prefix('/'));
            let Some((version, extension)) = name.and_then(|name| name.rsplit_once('.')) else {
                continue;
            };
            let part = match extension {
                "info" => 1,
                "mod" => 2,
                "zip" => 4,
                _ => continue,
            };
            if check_fits(&module, version).is_ok() {
                any = true;
                *parts.entry(version).or_default() |= part;
            }
        }
        let having = |all: u8| {
            let found = parts.iter().filter(|(_, parts)| **parts & all == all);
            found.map(|(version, _)| (*version).to_owned()).collect()
        };
        Ok(Self {
            versions: having(1 | 2),
            whole: having(1 | 2 | 4),
            private: false,
            any,
        })
    }

    /// What is of use without a source. The go command also asks for the `.info` and the `.mod` of versions that it does not
    /// need, and would choose them from a list.
    pub(super) fn usable(&self) -> &[String] {
        match self.whole.is_empty() {
            true => &self.versions,
            false => &self.whole,
        }
    }

    /// The version for `@latest`.
    pub(super) fn latest(&self) -> Option<Version<'_>> {
        list::latest(
            self.usable()
                .iter()
                .filter_map(|version| Version::from_escaped(&**version).ok()),
        )
    }
}

/// The `.info` of a version, if it is stored.
pub(super) async fn info(
    storage: &Storage,
    question: &Question,
    version: &Version<'_>,
) -> Result<Option<Bytes>, StorageError> {
    let Ok(target) = question.target.with_version(version) else {
        return Ok(None);
    };
    let owner = question.access.as_ref().map(Access::owner_name);
    let Some(key) = Key::new(&target, question.area, owner) else {
        return Ok(None);
    };
    content(storage, &key).await
}

/// The content of a small file, if it is stored.
pub(crate) async fn content(storage: &Storage, key: &Key) -> Result<Option<Bytes>, StorageError> {
    let found = match storage.look_up(key, GetOptions::default()).await? {
        LookUp::Found(found) | LookUp::Private(found) => found,
        LookUp::Absent | LookUp::Removed(_) => return Ok(None),
    };
    Ok(Some(match found.content {
        Content::Whole(content) => content,
        Content::Part(_, frames) => {
            let pieces: Result<Vec<Bytes>, _> = frames.try_collect().await;
            let pieces = pieces.map_err(|error| StorageError::new("read", key, error))?;
            pieces.concat().into()
        }
    }))
}
