//! The check of one file.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use object_store::GetOptions;
use tokio::sync::Semaphore;
use tower::BoxError;

use super::builder::Remove;
use super::database::Database;
use super::file::{Checked, Verdict};
use super::name::Name;
use crate::observe;
use crate::storage::{Content, Found, Frames, Key, Storage, StorageError};
use crate::target::{Resource, Target};
use crate::verify::{Dirhash, GoModuleFiles, Verified, Verify, WholeFile};

/// The most bytes of a file, as new files may have them by default.
const MAX_ZIP: u64 = 500 * MIB;
const MAX_MOD: u64 = 16 * MIB;
const MAX_INFO: u64 = MIB;
const MIB: u64 = 1024 * 1024;

/// No hash is longer.
const MAX_HASH: u64 = 1024;

/// How many files are in a local file, or in memory, that are neither small nor can be followed.
const SPOOLED: usize = 2;

/// How often a file is checked that changes meanwhile, or comes back after its removal.
const ATTEMPTS: usize = 4;

pub(super) struct Inspect {
    pub(super) storage: Storage,
    pub(super) remove: Remove,
    pub(super) database: Option<Database>,
    rules: GoModuleFiles,
    spooled: Semaphore,
}

/// What a file is, and whether it was removed.
type Outcome = (Verdict, bool);

impl Inspect {
    pub(super) fn new(storage: Storage, remove: Remove, database: Option<Database>) -> Self {
        Self {
            storage,
            remove,
            database,
            rules: GoModuleFiles::new(),
            spooled: Semaphore::new(SPOOLED),
        }
    }

    /// `before` is the path that was listed before this one.
    ///
    /// # Cancel safety
    ///
    /// Dropped early, a wrong file may be removed or not.
    pub(super) async fn file(&self, path: String, before: &str) -> Checked {
        let path: Arc<str> = path.into();
        let outcome = match Name::of(&path) {
            Name::File(key, target) => self.module_file(&key, &target, before).await,
            Name::Hash(zip) => self.hash(&path, &zip, before).await,
            Name::Known => Ok((Verdict::Skipped, false)),
            Name::Locked => {
                let reason = "the folder may not be read".to_owned();
                Ok((Verdict::Unchecked(reason), false))
            }
            Name::Stray => Ok(self.stray(&path, "no module has a file of this name").await),
        };
        let failed = |error: StorageError| (Verdict::Unchecked(error.to_string()), false);
        let (verdict, removed) = outcome.unwrap_or_else(failed);
        Checked {
            path: path.to_string(),
            verdict,
            removed,
        }
    }

    async fn module_file(
        &self,
        key: &Key,
        target: &Target<'_>,
        before: &str,
    ) -> Result<Outcome, StorageError> {
        let mut removed = None;
        for _ in 0..ATTEMPTS {
            let found = self.look(key.path()).await?;
            let (found, wrong) = match (found, removed.take()) {
                (Some(found), wrong) => (found, wrong),
                (None, Some(wrong)) => return Ok((wrong, true)),
                (None, None) => return self.absent(key.path(), before).await,
            };
            let tag = found.tag.clone();
            let verdict = self.judge(key, target, found).await;
            if let Verdict::Good | Verdict::Unconfirmed(_) = verdict {
                let is_removed = wrong.is_some();
                return Ok((wrong.unwrap_or(verdict), is_removed));
            }
            removed = wrong;
            let now = self.look(key.path()).await?;
            if now.is_none_or(|now| now.tag != tag) {
                // Another file has come meanwhile, or this one is still being written.
                continue;
            }
            let Verdict::Wrong(reason) = verdict else {
                return Ok((verdict, removed.is_some()));
            };
            if self.remove == Remove::Nothing {
                return Ok((Verdict::Wrong(reason), false));
            }
            // Said first: the process may end.
            observe::rejected(key, &reason);
            if let Err(error) = self.storage.delete_file(key.path()).await {
                return Ok((Verdict::Wrong(format!("{reason}; {error}")), false));
            }
            removed = Some(Verdict::Wrong(reason));
        }
        let reason = "it changes while it is checked".to_owned();
        Ok((Verdict::Unchecked(reason), removed.is_some()))
    }

    /// Nothing is in the place of a listed file, or an empty one.
    async fn absent(&self, path: &Arc<str>, before: &str) -> Result<Outcome, StorageError> {
        let next = self.storage.walk("", before).try_next().await;
        let next = next.map_err(|error| StorageError::new("list", path, error))?;
        match next {
            Some(next) if *next == **path => Ok(self.stray(path, "it is empty").await),
            _ => Ok((Verdict::Skipped, false)),
        }
    }

    async fn hash(
        &self,
        path: &Arc<str>,
        zip: &Key,
        before: &str,
    ) -> Result<Outcome, StorageError> {
        let has_zip = before == &**zip.path() || self.look(zip.path()).await?.is_some();
        match self.read_hash(path).await? {
            None => self.absent(path, before).await,
            Some(_) if !has_zip => Ok(self.stray(path, "there is no .zip beside it").await),
            Some(hash) if hash.starts_with("h1:") => Ok((Verdict::Good, false)),
            Some(_) => Ok(self.stray(path, "it is not a hash").await),
        }
    }

    async fn stray(&self, path: &str, reason: &str) -> Outcome {
        let reason = reason.to_owned();
        // Somebody may have named another folder than that of the storage.
        let areas = ["@direct/", "@for/", "@private/"];
        let is_ours = path.contains("/@v/") || areas.iter().any(|area| path.starts_with(area));
        if self.remove != Remove::WrongAndStray || !is_ours {
            return (Verdict::Stray(reason), false);
        }
        match self.storage.delete(path).await {
            Ok(()) => (Verdict::Stray(reason), true),
            Err(error) => (Verdict::Stray(format!("{reason}; {error}")), false),
        }
    }

    async fn look(&self, path: &Arc<str>) -> Result<Option<Found>, StorageError> {
        self.storage.read(path, GetOptions::default()).await
    }

    async fn judge(&self, key: &Key, target: &Target<'_>, found: Found) -> Verdict {
        let resource = target.resource();
        // The go command has a bound for zips alone.
        let (max, beyond): (_, fn(String) -> Verdict) = match resource {
            Resource::Zip => (MAX_ZIP, Verdict::Wrong),
            Resource::Mod => (MAX_MOD, Verdict::Unchecked),
            _ => (MAX_INFO, Verdict::Unchecked),
        };
        if found.size > max {
            return beyond(format!(".{resource} has more than {max} bytes"));
        }
        let dirhash = match self.verify(key, target, found).await {
            Ok((Verified::Passed, dirhash)) => dirhash,
            Ok((Verified::Rejected(reason), _)) => return Verdict::Wrong(reason),
            Ok((Verified::Unknown(reason), _)) => return Verdict::Unchecked(reason),
            Err(error) => return Verdict::Unchecked(error.to_string()),
        };
        // An .info has none.
        let Some(hash) = dirhash.get() else {
            return Verdict::Good;
        };
        let verdict = match &self.database {
            // Whatever lies in another area may be private.
            Some(database) if key.is_plain() => database.confirm(target, hash).await,
            _ => None,
        };
        match verdict {
            None | Some(Verdict::Unconfirmed(_)) if resource == Resource::Zip => {
                let beside = self.compare_beside(key, hash).await;
                beside.or(verdict).unwrap_or(Verdict::Good)
            }
            // The hash beside a zip may be wrong itself.
            _ => verdict.unwrap_or(Verdict::Good),
        }
    }

    /// What the hash beside a zip says against it.
    async fn compare_beside(&self, zip: &Key, hash: &str) -> Option<Verdict> {
        let path = format!("{}hash", zip.path()).into();
        match self.read_hash(&path).await {
            Ok(Some(stored)) if stored.starts_with("h1:") && stored != hash => {
                let reason = format!("it has {hash}, and {stored} by the .ziphash beside it");
                Some(Verdict::Wrong(reason))
            }
            Ok(_) => None,
            Err(error) => Some(Verdict::Unchecked(error.to_string())),
        }
    }

    /// The text beside a zip. One that is too long is none that is a hash.
    async fn read_hash(&self, path: &Arc<str>) -> Result<Option<String>, StorageError> {
        let Some(found) = self.look(path).await? else {
            return Ok(None);
        };
        if found.size > MAX_HASH {
            return Ok(Some(String::new()));
        }
        let content = found.content.collect().await;
        let content = content.map_err(|error| StorageError::new("read", path, error))?;
        Ok(Some(String::from_utf8_lossy(&content).trim().to_owned()))
    }

    async fn verify(
        &self,
        key: &Key,
        target: &Target<'_>,
        found: Found,
    ) -> Result<(Verified, Dirhash), BoxError> {
        match found.content {
            Content::Whole(content) => Ok(self.whole(target, content.into()).await),
            Content::Part(_, frames) if target.resource() == Resource::Zip => {
                self.large_zip(key, target, frames).await
            }
            // Read again, once there is room for it.
            Content::Part(..) => self.spooled(key, target).await,
        }
    }

    async fn whole(&self, target: &Target<'_>, file: WholeFile) -> (Verified, Dirhash) {
        let dirhash = file.dirhash().clone();
        (self.rules.start(target).finish(file).await, dirhash)
    }

    /// Follows it while it is read. One that does not pass like this is read again.
    async fn large_zip(
        &self,
        key: &Key,
        target: &Target<'_>,
        mut frames: Frames,
    ) -> Result<(Verified, Dirhash), BoxError> {
        let mut check = self.rules.start(target);
        while let Some(frame) = frames.try_next().await? {
            check.update(&frame);
            check.ready().await;
        }
        let dirhash = Dirhash::default();
        match check.finish_stream(dirhash.clone()).await {
            Verified::Passed => Ok((Verified::Passed, dirhash)),
            _ => self.spooled(key, target).await,
        }
    }

    /// Checks it as a whole, in a local file.
    async fn spooled(
        &self,
        key: &Key,
        target: &Target<'_>,
    ) -> Result<(Verified, Dirhash), BoxError> {
        let _place = self.spooled.acquire().await;
        let found = self.look(key.path()).await?.ok_or("it was deleted")?;
        let mut frames = match found.content {
            Content::Whole(content) => stream::iter([Ok(content)]).boxed(),
            Content::Part(_, frames) => frames,
        };
        let mut sink = self.storage.sink(key, Some(found.size), None).await?;
        let copied = async {
            while let Some(frame) = frames.try_next().await? {
                sink.write(vec![frame]).await?;
            }
            Ok::<_, BoxError>(sink.flush().await?)
        };
        let checked = match copied.await {
            Ok(len) if len < found.size => Err("only a part of it can be read".into()),
            Ok(len) => Ok(self.whole(target, sink.file.to_whole(len)).await),
            Err(error) => Err(error),
        };
        sink.abort().await;
        checked
    }
}
