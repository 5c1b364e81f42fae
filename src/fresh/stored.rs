//! What the storage has of a module.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures_util::future::try_join;
use object_store::GetOptions;

use super::question::Question;
use crate::access::value::Access;
use crate::latest::{Latest, is_own_go_mod};
use crate::module::Version;
use crate::module::version::check_fits;
use crate::storage::{Key, LookUp, Storage, StorageError};
use crate::target::Resource;

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
        for file in &files {
            let name = file.get(folder.len() + 1..).unwrap_or_default();
            let Some((version, extension)) = name.rsplit_once('.') else {
                continue;
            };
            let part = match extension {
                "info" => 1,
                "mod" => 2,
                "zip" => 4,
                _ => continue,
            };
            if check_fits(&module, version).is_ok() {
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
            any: !parts.is_empty(),
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

    /// Whether a version is of use without a source.
    pub(super) fn has(&self, version: &Version<'_>) -> bool {
        self.versions().any(|stored| stored == *version)
    }

    /// The same.
    pub(super) fn versions(&self) -> impl Iterator<Item = Version<'_>> {
        let usable = self.usable().iter();
        usable.filter_map(|version| Version::from_escaped(&**version).ok())
    }

    /// The version for `@latest`.
    pub(super) async fn latest(
        &self,
        storage: &Storage,
        question: &Question,
    ) -> Result<Option<Version<'static>>, StorageError> {
        let latest: Latest = self.versions().collect();
        let go_mod = match latest.decided_by() {
            Some(tag) => file(storage, question, tag, Resource::Mod).await?,
            None => None,
        };
        let is_own = |go_mod: Bytes| is_own_go_mod(&question.target.module(), &go_mod);
        Ok(latest.version(go_mod.is_none_or(is_own)))
    }
}

/// A small file of a version, if it is stored.
pub(super) async fn file(
    storage: &Storage,
    question: &Question,
    version: &Version<'_>,
    file: Resource,
) -> Result<Option<Bytes>, StorageError> {
    let target = question.target.with_file(version, file).ok();
    let owner = question.access.as_ref().map(Access::owner_name);
    match target.and_then(|target| Key::new(&target, question.area, owner)) {
        Some(key) => content(storage, &key).await,
        None => Ok(None),
    }
}

/// The content of a small file, if it is stored.
pub(crate) async fn content(storage: &Storage, key: &Key) -> Result<Option<Bytes>, StorageError> {
    let found = match storage.look_up(key, GetOptions::default()).await? {
        LookUp::Found(found) | LookUp::Private(found) => found,
        LookUp::Absent | LookUp::Removed(_) => return Ok(None),
    };
    let content = found.content.collect().await;
    let content = content.map_err(|error| StorageError::new("read", key, error))?;
    Ok(Some(content))
}
