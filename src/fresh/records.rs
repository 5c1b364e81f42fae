//! The answers of the source as records of the storage.

use http::StatusCode;

use super::question::Question;
use super::said::Said;
use crate::observe;
use crate::storage::{Storage, StorageError};
use crate::target::Resource;

/// The folder of the records.
const FRESH: &str = "@records/fresh";

/// The most queries of one module that are kept: there are as many as it has commits.
const MOST_QUERIES: usize = 64;

fn at(question: &Question) -> String {
    format!("{FRESH}/{}", question.path())
}

/// The last answer that any process has had.
pub(super) async fn read(
    storage: &Storage,
    question: &Question,
) -> Result<Option<Said>, StorageError> {
    let record = storage.record(&at(question)).await?;
    let said = record.as_ref().and_then(Said::from_record);
    Ok(said.filter(Said::is_found))
}

/// Writes an answer down, and deletes the record of what does not exist any more. Returns whether the record is right.
pub(super) async fn write(
    storage: &Storage,
    question: &Question,
    said: &Said,
    is_there: bool,
) -> bool {
    let written = match said.status {
        StatusCode::OK => put(storage, question, said, is_there).await,
        StatusCode::NOT_FOUND | StatusCode::GONE if is_there => {
            storage.delete(&at(question)).await.map(|()| false)
        }
        // A refusal says nothing about what exists.
        _ => Ok(false),
    };
    observe::found(written)
}

async fn put(
    storage: &Storage,
    question: &Question,
    said: &Said,
    is_there: bool,
) -> Result<bool, StorageError> {
    if question.target.resource() == Resource::Query && !is_there {
        let queries = storage
            .list(&format!("{FRESH}/{}/@v", question.module()))
            .await?;
        if queries.len() >= MOST_QUERIES {
            return Ok(false);
        }
    }
    let at = at(question);
    storage.put_record(&at, said.to_record()).await?;
    Ok(true)
}
