//! Reads files again, all of them or none.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use metrics::{counter, gauge};
use rustls::ServerConfig;
use tokio::signal::unix::Signal;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};
use tracing::{error, info};

use crate::app::Frame;
use crate::current::Current;
use crate::modules::Modules;
use crate::rules::RuleArgs;
use crate::server::TlsConfig;
use crate::users::UserSource;
use crate::{BoxError, chain};

/// How often files are looked at. A change counts when it has been there twice: it may be half written.
const EVERY: Duration = Duration::from_secs(1);

/// What is read again, and what it is read into.
pub(crate) struct Reload {
    pub(crate) modules: Modules,
    pub(crate) frame: Frame,
    pub(crate) rules: RuleArgs,
    pub(crate) users: UserSource,
    pub(crate) tls: Option<TlsConfig>,
}

/// All that was read.
pub(crate) struct Read {
    current: Arc<Current>,
    tls: Option<Arc<ServerConfig>>,
}

/// Where requests and connections find it.
pub(crate) struct Live {
    pub(crate) current: Arc<ArcSwap<Current>>,
    pub(crate) tls: Option<Arc<ArcSwap<ServerConfig>>>,
}

impl Read {
    pub(crate) fn live(self) -> Live {
        Live {
            current: Arc::new(ArcSwap::new(self.current)),
            tls: self.tls.map(|tls| Arc::new(ArcSwap::new(tls))),
        }
    }
}

impl Reload {
    /// # Errors
    ///
    /// One of the files cannot be read, or is wrong.
    pub(crate) fn read(&self) -> Result<Read, BoxError> {
        let rules = Arc::new(self.rules.read()?);
        let users = self.users.read()?.map(Arc::new);
        let tls = self.tls.as_ref().map(TlsConfig::read).transpose()?;
        let modules = self.modules.router(Arc::clone(&rules))?;
        let current = Current {
            router: self.frame.around(modules, users),
            rules,
        };
        Ok(Read {
            current: Arc::new(current),
            tls,
        })
    }

    /// Reads all files again at each `hang_up`, and when one of them is not as `known` any more.
    pub(crate) fn follow(self, known: Vec<Stamp>, live: &Live, hang_up: Signal) {
        let live = Live {
            current: Arc::clone(&live.current),
            tls: live.tls.clone(),
        };
        tokio::spawn(Arc::new(self).changes(known, Arc::new(live), hang_up));
    }

    async fn changes(self: Arc<Self>, mut known: Vec<Stamp>, live: Arc<Live>, mut hang_up: Signal) {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last = known.clone();
        loop {
            let is_changed = tokio::select! {
                _ = hang_up.recv() => true,
                _ = ticks.tick() => {
                    let reload = Arc::clone(&self);
                    let now = spawn_blocking(move || reload.stamps()).await;
                    let now = now.unwrap_or_else(|_panicked| known.clone());
                    let is_changed = now != known && now == last;
                    last = now;
                    is_changed
                }
            };
            if is_changed {
                let (reload, live) = (Arc::clone(&self), Arc::clone(&live));
                let again = spawn_blocking(move || reload.again(&live)).await;
                known = again.unwrap_or(known);
            }
        }
    }

    /// Returns how the files looked before they were read: what changes meanwhile is read once more.
    fn again(&self, live: &Live) -> Vec<Stamp> {
        let stamps = self.stamps();
        let read = self.read();
        let result = if read.is_ok() { "done" } else { "failed" };
        counter!("goproxy_reloads_total", "result" => result).increment(1);
        gauge!("goproxy_reload_failed").set(f64::from(u8::from(read.is_err())));
        match read {
            Ok(read) => {
                if let (Some(live), Some(tls)) = (&live.tls, read.tls) {
                    live.store(tls);
                }
                live.current.store(read.current);
                info!("read all files again");
            }
            Err(error) => {
                let error = chain(&*error);
                error!(error, "reload failed: the previous files stay in force");
            }
        }
        stamps
    }

    /// How the files look now.
    pub(crate) fn stamps(&self) -> Vec<Stamp> {
        let tls = self.tls.iter().flat_map(TlsConfig::files);
        let files = self.rules.file().into_iter().chain(self.users.files());
        files
            .chain(self.modules.files())
            .chain(tls)
            .map(stamp)
            .collect()
    }
}

/// What a change of a file changes.
pub(crate) type Stamp = Option<(SystemTime, u64, u64)>;

fn stamp(file: &Path) -> Stamp {
    let metadata = file.metadata().ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}
