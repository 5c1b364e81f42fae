//! What is kept of a database.

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::storage::{Storage, StorageError};

/// How many bytes are kept in memory where there is no storage, and how many a record usually has.
const MAX_BYTES: u64 = 32 * 1024 * 1024;
const USUAL: usize = 1024;
/// What a record takes beside its bytes.
const OVERHEAD: u64 = 128;

pub(super) enum Records {
    /// What is asked for less often goes.
    Memory(Cache<String, Bytes, Weight>),
    Storage(Storage),
}

#[derive(Clone)]
pub(super) struct Weight;

impl Weighter<String, Bytes> for Weight {
    fn weight(&self, path: &String, content: &Bytes) -> u64 {
        path.len() as u64 + content.len() as u64 + OVERHEAD
    }
}

impl Records {
    pub(super) fn in_memory() -> Self {
        let records = MAX_BYTES as usize / USUAL;
        Self::Memory(Cache::with_weighter(records, MAX_BYTES, Weight))
    }

    /// # Cancel safety
    ///
    /// Reads only.
    pub(super) async fn get(&self, path: &str) -> Result<Option<Bytes>, StorageError> {
        match self {
            Self::Memory(records) => Ok(records.get(path)),
            Self::Storage(storage) => storage.record(path).await,
        }
    }

    /// # Cancel safety
    ///
    /// Dropped early, the record is the old one or the new one.
    pub(super) async fn put(&self, path: String, content: Bytes) -> Result<(), StorageError> {
        match self {
            Self::Memory(records) => records.insert(path, content),
            Self::Storage(storage) => storage.put_record(&path, content).await?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{MAX_BYTES, Records};

    #[tokio::test]
    async fn memory_has_a_bound() {
        let records = Records::in_memory();
        let record = Bytes::from(vec![1; 100_000]);
        for number in 0..1000 {
            let path = number.to_string();
            records.put(path.clone(), record.clone()).await.unwrap();
            assert!(records.get(&path).await.unwrap().is_some());
        }
        let mut kept = 0;
        for number in 0..1000 {
            let found = records.get(&number.to_string()).await.unwrap();
            kept += found.map_or(0, |found| found.len() as u64);
        }
        assert!(kept <= MAX_BYTES && kept > MAX_BYTES / 2, "{kept}");
    }
}
