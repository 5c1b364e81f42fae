//! The storage, and whether it can be reached.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use object_store::{ObjectStore, ObjectStoreExt as _, ObjectStoreScheme};
use tokio::time::{Instant, sleep, timeout};
use tower_goproxy::Storage;
use tracing::warn;

use crate::BoxError;
use crate::config::without_credentials;

/// How long a look may take.
const LIMIT: Duration = Duration::from_secs(10);

/// How often a storage that is waited for is looked at.
const AGAIN: Duration = Duration::from_secs(1);

/// A name that no module can have.
const NOTHING: &str = "@probe/nothing";

/// Tells whether a storage can be reached.
#[derive(Clone, Debug)]
pub(crate) enum Probe {
    Memory,
    Folder(PathBuf),
    Store(Arc<dyn ObjectStore>),
}

/// Opens the storage at a folder, `memory:`, or a URL.
///
/// # Errors
///
/// It cannot be reached, also after waiting for it, or the URL is wrong.
pub(crate) async fn open(storage: &str, wait: Duration) -> Result<(Storage, Probe), BoxError> {
    let until = Instant::now() + wait;
    let shown = without_credentials(storage);
    loop {
        let error = match attempt(storage).await {
            Ok(opened) => return Ok(opened),
            Err(error) => error.to_string().replace(storage, &shown),
        };
        if Instant::now() >= until {
            return Err(format!("the storage {shown} cannot be used: {error}").into());
        }
        warn!(error, "waiting for the storage");
        sleep(AGAIN).await;
    }
}

async fn attempt(storage: &str) -> Result<(Storage, Probe), BoxError> {
    if storage == "memory:" {
        return Ok((Storage::memory(), Probe::Memory));
    }
    if !storage.contains("://") {
        return Ok((Storage::disk(storage)?, Probe::Folder(storage.into())));
    }
    // Credentials and regions come from the usual variables.
    let settings = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        // Others have names that mean something to the store, too, such as TOKEN.
        let is_meant = name.starts_with("AWS_");
        Some((name.to_lowercase(), value.into_string().ok()?)).filter(|_| is_meant)
    });
    let url = storage.parse()?;
    let Ok((ObjectStoreScheme::AmazonS3, _)) = ObjectStoreScheme::parse(&url) else {
        return Err("want a folder, `memory:` or s3://BUCKET/FOLDER".into());
    };
    let (store, folder) = object_store::parse_url_opts(&url, settings)?;
    let store: Arc<dyn ObjectStore> =
        Arc::new(object_store::prefix::PrefixStore::new(store, folder));
    let probe = Probe::Store(Arc::clone(&store));
    probe.look().await?;
    Ok((Storage::new(store), probe))
}

impl Probe {
    /// # Errors
    ///
    /// The storage does not answer, or does not let this server in.
    pub(crate) async fn look(&self) -> Result<(), String> {
        let looked = timeout(LIMIT, async {
            match self {
                Self::Memory => Ok(()),
                Self::Folder(folder) => tokio::fs::metadata(folder)
                    .await
                    .map(drop)
                    .map_err(|error| error.to_string()),
                Self::Store(store) => match store.head(&NOTHING.into()).await {
                    Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
                    Err(error) => Err(error.to_string()),
                },
            }
        });
        looked
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", LIMIT.as_secs())))
    }
}
