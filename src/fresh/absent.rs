//! What does not exist, and for how long that is believed.
//!
//! A source that is away must not look like one that does not have a module: the go command would ask the next proxy of
//! its list for the name, which may be private. So an absence that is no longer fresh is dropped, with one exception. The
//! go command looks for a package's module by asking for each prefix of the package's path. What lies above or below a
//! stored module is not a secret of the next proxy any more than that module, and without it nothing that is stored could
//! be found while the source is away.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex};

use http::StatusCode;
use tokio::time::Instant;

use super::memory::Kept;
use super::question::Question;
use super::said::is_absence;
use super::shared::Shared;
use super::shown::{Caching, Shown};
use super::stored::Stored;
use crate::lock::lock;
use crate::observe;
use crate::storage::{Storage, StorageError};
use crate::target::Target;

/// The folder of the records. That of a stored module has what lies below it; what lies above one has a record of its own.
const ABSENT: &str = "@records/absent";

/// The most absences of one record, and the most bytes of their texts: a project may use so many packages of a module.
const MOST: usize = 1024;
const MOST_TEXT: usize = 200;

/// How many absences wait for a module that they belong to, and how many modules are known so that theirs need not wait.
const MOST_KNOWN: usize = 4096;

/// A path, the status and the text for it, and the stored module that it is kept for.
type Line = (String, u16, String, String);

/// What has just been found not to exist, until a stored module shows up to which it belongs; and which modules have.
#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<State>);

/// By path, so that what lies below one is a range.
#[derive(Debug, Default)]
struct State {
    absent: BTreeMap<Arc<str>, Arc<Kept>>,
    modules: BTreeMap<Arc<str>, Question>,
}

/// One that is full begins anew.
fn put<V>(map: &mut BTreeMap<Arc<str>, V>, path: &str, value: V) {
    if map.len() >= MOST_KNOWN {
        map.clear();
    }
    map.insert(path.into(), value);
}

fn that_begin_with<'a, V>(
    map: &'a BTreeMap<Arc<str>, V>,
    start: &str,
) -> impl Iterator<Item = (&'a Arc<str>, &'a V)> {
    let rest = map.range::<str, _>((Bound::Included(start), Bound::Unbounded));
    rest.take_while(move |(path, _)| path.starts_with(start))
}

impl Pending {
    /// Notes a module that is stored. Whether that is news, and something waits.
    fn saw(&self, module: &Question) -> bool {
        let mut state = lock(&self.0);
        if state.modules.contains_key(module.module()) {
            return false;
        }
        put(&mut state.modules, module.module(), module.clone());
        !state.absent.is_empty()
    }

    /// Notes an absence. Returns a stored module above or below it, if one is known.
    fn put(&self, question: &Question, kept: &Arc<Kept>) -> Option<Question> {
        let mut state = lock(&self.0);
        put(&mut state.absent, question.path(), Arc::clone(kept));
        let mut above = question.above();
        let above = above.find_map(|path| state.modules.get(path));
        let below = format!("{}/", question.module());
        let below = || Some(that_begin_with(&state.modules, &below).next()?.1);
        above.or_else(below).cloned()
    }

    /// All that lie above or below a stored module.
    fn take(&self, module: &Question) -> Vec<(Arc<str>, Arc<Kept>)> {
        let mut state = lock(&self.0);
        let own = format!("{}/@", module.module());
        let starts = module.above().map(|path| format!("{path}/@"));
        let mut related = Vec::new();
        for start in starts.chain([format!("{}/", module.module())]) {
            let found = that_begin_with(&state.absent, &start);
            let others = found.filter(|(path, _)| !path.starts_with(&own));
            related.extend(others.map(|(path, kept)| (Arc::clone(path), Arc::clone(kept))));
        }
        for (path, _) in &related {
            state.absent.remove(path);
        }
        related
    }
}

/// The source has just said that this does not exist.
pub(super) fn is_absent(shared: &Arc<Shared>, question: &Question, kept: &Arc<Kept>) {
    // What was said to credentials is no answer to others, and a record would be one.
    if !question.has_credentials()
        && let Some(module) = shared.pending.put(question, kept)
    {
        write_behind(shared, module);
    }
}

/// The module of this question has been seen in the storage.
pub(super) fn is_stored(shared: &Arc<Shared>, question: &Question) {
    if shared.pending.saw(question) {
        write_behind(shared, question.clone());
    }
}

/// Writes down what does not exist above and below a stored module.
fn write_behind(shared: &Arc<Shared>, module: Question) {
    let Ok(room) = Arc::clone(&shared.unwritten).try_acquire_owned() else {
        return;
    };
    let of = Arc::clone(shared);
    shared.flights.spawn(async move {
        // One at a time, since a record is read and written; those that come meanwhile are written together.
        let _turn = of.recording.acquire().await;
        if let Err(error) = record(&of, &module).await {
            observe::storage_failed(&error);
        }
        drop(room);
    });
}

async fn record(shared: &Shared, module: &Question) -> Result<(), StorageError> {
    let mut by_record: BTreeMap<String, Vec<Line>> = BTreeMap::new();
    for (path, kept) in shared.pending.take(module) {
        if Instant::now() >= kept.ask_at {
            continue;
        }
        let is_below = path.starts_with(module.module());
        let own = path.rfind("/@").map_or(&*path, |end| &path[..end]);
        let record = if is_below { module.module() } else { own };
        let text = String::from_utf8_lossy(&kept.said.content);
        let text = text.chars().take(MOST_TEXT).collect();
        let kept_for = module.module().to_owned();
        let line = (path.to_string(), kept.said.status.as_u16(), text, kept_for);
        by_record.entry(record.to_owned()).or_default().push(line);
    }
    for (of, new) in by_record {
        let before = read(&shared.storage, &of).await?;
        let mut lines = before.clone();
        for new in new {
            let is_new = |line: &Line| (&line.0, line.1, &line.2) != (&new.0, new.1, &new.2);
            if lines.iter().all(is_new) {
                lines.retain(|line| line.0 != new.0);
                lines.push(new);
            }
        }
        lines.drain(..lines.len().saturating_sub(MOST));
        if lines != before {
            // Numbers and texts always have a form in JSON.
            let content = serde_json::to_vec(&lines).unwrap_or_default();
            let at = at(&of);
            shared.storage.put_record(&at, content.into()).await?;
        }
    }
    Ok(())
}

fn at(path: &str) -> String {
    format!("{ABSENT}/{path}/@paths")
}

/// What is no record of this form counts as not there.
async fn read(storage: &Storage, path: &str) -> Result<Vec<Line>, StorageError> {
    let record = storage.record(&at(path)).await?.unwrap_or_default();
    Ok(serde_json::from_slice(&record).unwrap_or_default())
}

/// The absence that stands in for an answer that the source has failed to give, if there is one.
pub(super) async fn instead_of_failure(shared: &Shared, question: &Question) -> Option<Shown> {
    observe::found(find(shared, question).await)
}

async fn find(shared: &Shared, question: &Question) -> Result<Option<Shown>, StorageError> {
    let (storage, asked) = (&shared.storage, question.module());
    let mut recorded = None;
    for of in std::iter::once(asked).chain(question.above()) {
        let lines = read(storage, of).await?;
        recorded = lines.into_iter().find(|line| *line.0 == **question.path());
        if recorded.is_some() {
            break;
        }
    }
    let (shown, modules) = match recorded {
        Some((_, status, text, module)) => match StatusCode::from_u16(status) {
            Ok(status) if is_absence(status) => (Shown::absent(status, text), vec![module]),
            _ => return Ok(None),
        },
        // Not every absence is written down.
        None => match shared.memory.absent(question.path()) {
            Some(kept) if kept.by == question.access && is_absence(kept.said.status) => {
                let modules = question.above().map(str::to_owned);
                (Shown::of(&kept.said, Caching::Never), modules.collect())
            }
            _ => return Ok(None),
        },
    };
    if Stored::read(storage, question).await?.any {
        return Ok(None);
    }
    let list_of = |module: String| {
        let list = format!("/{}/@v/list", module.strip_prefix(question.folder())?);
        let list = Target::parse(&list).ok()??.into_owned();
        Some(question.other(list))
    };
    for list in modules.into_iter().filter_map(list_of) {
        if Stored::read(storage, &list).await?.any {
            return Ok(Some(shown));
        }
    }
    Ok(None)
}
