//! What does not exist, and for how long that is believed.
//!
//! A source that is away must not look like one that does not have a module: the go command would ask the next proxy of
//! its list for the name, which may be private. So an absence that is no longer fresh is dropped, with one exception. The
//! go command looks for a package's module by asking for each prefix of the package's path. What lies above or below a
//! stored module is not a secret of the next proxy any more than that module, and without it nothing that is stored could
//! be found while the source is away.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::time::Instant;

use super::memory::Kept;
use super::question::Question;
use super::said::Said;
use super::shared::Shared;
use super::shown::{Caching, Shown};
use super::stored::Stored;
use crate::observe;
use crate::storage::{Storage, StorageError};
use crate::target::Target;

/// The folder of the records.
const ABSENT: &str = "@records/absent";

/// The most that are kept for one stored module.
const MOST_RECORDS: usize = 64;

/// How many wait for a module that they belong to.
const MOST_PENDING: usize = 1024;

/// What has just been found not to exist, until a stored module shows up to which it belongs.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// By path, so that what lies below a module is a range.
    absent: BTreeMap<Arc<str>, Arc<Kept>>,
    oldest: VecDeque<Arc<str>>,
}

type Related = Vec<(Arc<str>, Arc<Kept>)>;

impl Pending {
    pub(super) fn put(&self, question: &Question, kept: &Arc<Kept>) {
        let mut state = self.lock();
        let path = question.path();
        state.absent.insert(Arc::clone(path), Arc::clone(kept));
        state.oldest.push_back(Arc::clone(path));
        if state.oldest.len() > MOST_PENDING
            && let Some(oldest) = state.oldest.pop_front()
        {
            state.absent.remove(&oldest);
        }
    }

    /// All that lie above or below the module of this question, which is stored.
    fn take(&self, question: &Question) -> Related {
        let mut state = self.lock();
        if state.absent.is_empty() {
            return Related::new();
        }
        let (folder, module) = (question.folder().len(), question.module());
        let above = module[folder..]
            .match_indices('/')
            .map(|(at, _)| folder + at);
        let starts = above
            .map(|end| format!("{}/@", &module[..end]))
            .chain([format!("{module}/")]);
        let own = format!("{module}/@");
        let mut related = Related::new();
        for start in starts {
            let below = state
                .absent
                .range::<str, _>((Bound::Included(&*start), Bound::Unbounded));
            let below = below.take_while(|(path, _)| path.starts_with(&start));
            let others = below.filter(|(path, _)| !path.starts_with(&own));
            related.extend(others.map(|(path, kept)| (Arc::clone(path), Arc::clone(kept))));
        }
        for (path, _) in &related {
            state.absent.remove(path);
        }
        related
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No change of what is locked stops half way.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The module of this question has been seen in the storage: what does not exist above and below it is written down behind the
/// answer.
pub(super) fn belongs_to(shared: &Arc<Shared>, question: &Question) {
    let related = shared.pending.take(question);
    if related.is_empty() {
        return;
    }
    let (of, question) = (Arc::clone(shared), question.clone());
    shared.flights.tasks.spawn(async move {
        // One at a time, since the index is read and written.
        let _turn = of.recording.acquire().await;
        if let Err(error) = record(&of.storage, &question, related).await {
            observe::storage_failed(&error);
        }
    });
}

async fn record(
    storage: &Storage,
    question: &Question,
    related: Related,
) -> Result<(), StorageError> {
    let index = format!("{ABSENT}/{}/@index", question.module());
    let before = storage.record(&index).await?.unwrap_or_default();
    let lines = str::from_utf8(&before).unwrap_or_default().lines();
    let mut paths: Vec<&str> = lines.collect();
    let module = question.target.module();
    for (path, kept) in &related {
        let at = format!("{ABSENT}/{path}");
        let is_fresh = Instant::now() < kept.ask_at;
        let known = storage
            .record(&at)
            .await?
            .as_ref()
            .and_then(Said::from_record);
        if !is_fresh || known.is_some_and(|(said, _)| said.is_same(&kept.said)) {
            continue;
        }
        storage
            .put_record(&at, kept.said.to_record(Some(module.escaped())))
            .await?;
        if !paths.contains(&&**path) {
            paths.push(path);
        }
    }
    while paths.len() > MOST_RECORDS {
        storage
            .delete(&format!("{ABSENT}/{}", paths.remove(0)))
            .await?;
    }
    let after = paths.join("\n");
    match after.as_bytes() == before {
        true => Ok(()),
        false => storage.put_record(&index, Bytes::from(after)).await,
    }
}

/// The absence that stands in for an answer that the source has failed to give, if there is one.
pub(super) async fn instead_of_failure(shared: &Shared, question: &Question) -> Option<Shown> {
    observe::found(find(shared, question).await)
}

async fn find(shared: &Shared, question: &Question) -> Result<Option<Shown>, StorageError> {
    let storage = &shared.storage;
    let asked = question.target.module();
    let asked = asked.escaped();
    let record = storage
        .record(&format!("{ABSENT}/{}", question.path()))
        .await?;
    let (said, modules) = match record.as_ref().and_then(Said::from_record) {
        Some((said, Some(module))) => (said, vec![module]),
        // There are more paths below a module than records.
        _ => match shared.memory.absent(question.path()) {
            Some(kept) if kept.by == question.access => {
                let ends = asked
                    .match_indices('/')
                    .map(|(end, _)| asked[..end].to_owned());
                (kept.said.clone(), ends.collect())
            }
            _ => return Ok(None),
        },
    };
    if !said.is_absence() || Stored::read(storage, question).await?.any {
        return Ok(None);
    }
    for module in modules {
        let list = format!("/{module}/@v/list");
        let Ok(Some(list)) = Target::parse(&list) else {
            continue;
        };
        let belongs = is_above(asked, &module) || is_above(&module, asked);
        let list = question.other(list.into_owned());
        if belongs && Stored::read(storage, &list).await?.any {
            return Ok(Some(Shown::of(&said, Caching::Never)));
        }
    }
    Ok(None)
}

/// Whether a path is a proper prefix of another one, element by element.
fn is_above(prefix: &str, path: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.starts_with('/'))
}
