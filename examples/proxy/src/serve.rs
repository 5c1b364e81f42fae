//! From the options to a running server, and to its end.

use std::io::{self, Write as _};
use std::path::Path;
use std::pin::pin;
use std::process;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;
use tower::ServiceExt as _;
use tower_goproxy::source::Tasks;
use tower_goproxy::{GoGet, SharedCaches};
use tracing::{info, warn};

use crate::app::{Frame, app, figures, prefix};
use crate::config::Loaded;
use crate::direct::Direct;
use crate::health::Health;
use crate::life::{self, Stage, reached};
use crate::modules::Modules;
use crate::options::Options;
use crate::registry::{Credentials, Patterns, Registry};
use crate::reload::Reload;
use crate::roots::Roots;
use crate::server::{App, Descriptors, Server, bind};
use crate::storage::Probe;
use crate::stored::Kept;
use crate::sumdb::Around;
use crate::{BoxError, access_log, metrics, storage};

/// How long it may take to remove what was cut.
const CLEAN_UP: Duration = Duration::from_secs(5);

/// How long lists and the like may be requested for nobody while the server stops.
const UNATTENDED: Duration = Duration::from_secs(5);

/// How long it may take to kill commands.
const KILL: Duration = Duration::from_secs(1);

pub(crate) async fn run(loaded: &Loaded) -> Result<(), BoxError> {
    access_log::install(loaded.options.observe.log_format);
    let (life, at_once) = life::follow(&loaded.options.life)?;
    let commands = OnceLock::new();
    tokio::select! {
        biased;
        Ok(()) = at_once => {
            warn!("told to stop a second time: ending at once");
            kill(commands.get().map(Vec::as_slice).unwrap_or_default()).await;
            process::exit(1)
        }
        served = serve(loaded, life, &commands) => served,
    }
}

/// Commands are processes of their own, and would go on.
async fn kill(commands: &[Tasks]) {
    commands.iter().for_each(Tasks::abort);
    let gone = async {
        for runs in commands {
            runs.idle().await;
        }
    };
    if timeout(KILL, gone).await.is_err() {
        warn!("a command could not be killed in time");
    }
}

async fn serve(
    loaded: &Loaded,
    life: watch::Receiver<Stage>,
    commands: &OnceLock<Vec<Tasks>>,
) -> Result<(), BoxError> {
    let options = &loaded.options;
    let page = metrics::install()?;
    let limits = options.limits.limits(Descriptors::raise());
    let trusted = options.users.trusted()?;
    // Without it the signal would end the process while it waits for a storage.
    let hang_up = signal(SignalKind::hangup())?;
    let tls = options.tls.config()?;
    if options.offline && options.redirect_only {
        return Err("--offline and --redirect-only exclude each other".into());
    }
    // What is wrong is said before anything is made or asked.
    let prefix = options.prefix.as_deref().map(prefix).transpose()?;
    let users = options.users.source();
    for file in options.rules.file().into_iter().chain(users.files()) {
        regular(file)?;
    }
    users.read()?;
    options.rules.read()?;
    let mut stopping = life.clone();
    let (modules, fills, probe) = tokio::select! {
        made = sources(loaded) => made?,
        // Nothing runs yet that would have to end first.
        () = reached(&mut stopping, Stage::Draining) => return Ok(()),
    };
    let refreshes = modules.refreshes();
    let gogets = modules.gogets();
    let commands = commands.get_or_init(|| gogets.iter().map(GoGet::runs).collect());
    let needs_storage = options.observe.ready_needs_storage;
    let health = Health::new(life.clone(), probe, needs_storage, page.clone());
    let own_page = options.observe.metrics.then(|| page.clone());
    let reload = Reload {
        modules,
        frame: Frame::new(prefix.flatten(), health.clone(), own_page),
        rules: options.rules.clone(),
        users,
        tls,
    };
    // First: what changes while they are read is read once more.
    let known = reload.stamps();
    let live = reload.read()?.live();
    reload.follow(known, &live, hang_up);

    let listener = bind(options.listen).await?;
    if let Some(address) = options.observe.metrics_listen {
        let listener = bind(address).await?;
        info!("metrics on http://{}/metrics", listener.local_addr()?);
        let router = figures(&health, page);
        let app: App = Arc::new(move |request, refused| {
            let router = router.clone();
            Box::pin(async move {
                match refused {
                    Some(response) => response,
                    None => {
                        let Ok(response) = router.oneshot(request).await;
                        response
                    }
                }
            })
        });
        let server = Server::new(app, limits.for_few(), None, life.clone(), trusted.clone());
        tokio::spawn(async move { server.run(listener).await });
    }
    let scheme = if live.tls.is_some() { "https" } else { "http" };
    // Whoever started it may not listen any more.
    let _ = writeln!(
        io::stdout(),
        "listening on {scheme}://{}",
        listener.local_addr()?
    );
    let server = Server::new(app(live.current), limits, live.tls, life.clone(), trusted);

    let mut serving = pin!(async {
        server.run(listener).await;
        // What runs behind a response outlives its client. Nobody waits for it any more.
        let refreshed = timeout(UNATTENDED, async {
            for refreshes in &refreshes {
                refreshes.idle().await;
            }
        });
        match &fills {
            Some(fills) => {
                fills.abort_slow();
                let _ = tokio::join!(refreshed, fills.idle());
            }
            None => drop(refreshed.await),
        }
        // A run that nobody waits for is killed, and its processes are to be gone before this one.
        for runs in commands {
            runs.idle().await;
        }
    });
    let mut life = life;
    tokio::select! {
        () = &mut serving => return Ok(()),
        () = reached(&mut life, Stage::Cut) => {}
    }
    // Connections end by themselves at this stage.
    warn!("time is up: cutting what still runs");
    for tasks in refreshes.iter().chain(&fills) {
        tasks.abort();
    }
    if timeout(CLEAN_UP, serving).await.is_err() {
        warn!("something could not be cleaned up in time");
    }
    Ok(())
}

/// A pipe has nothing to say the second time, and no rules and no users are rules and users, too.
fn regular(file: &Path) -> Result<(), BoxError> {
    let name = file.display();
    let metadata = file
        .metadata()
        .map_err(|error| format!("{name}: {error}"))?;
    match metadata.is_file() {
        true => Ok(()),
        false => Err(format!(
            "{name}: not a regular file, so it cannot be read again when it changes"
        )
        .into()),
    }
}

/// The storage, which may have to be waited for, and what comes through it.
async fn sources(loaded: &Loaded) -> Result<(Modules, Option<Tasks>, Option<Probe>), BoxError> {
    let options = &loaded.options;
    let (stored, probe) = match options.redirect_only {
        true => (None, None),
        false => {
            let (storage, probe) =
                storage::open(&options.storage, options.wait_for_storage).await?;
            (Some(storage), Some(probe))
        }
    };
    let shared_caches = match options.users.are_needed() {
        true => SharedCaches::Not,
        false => SharedCaches::Auto,
    };
    let kept = stored.map(|storage| Kept::new(storage, options.offline, shared_caches));
    let modules = modules(loaded, kept.as_ref(), shared_caches).await?;
    Ok((modules, kept.map(|kept| kept.fill.fills()), probe))
}

async fn modules(
    loaded: &Loaded,
    kept: Option<&Kept>,
    shared_caches: SharedCaches,
) -> Result<Modules, BoxError> {
    let (options, file) = (&loaded.options, &loaded.file);
    let roots = Roots::load(options.ca_file.as_deref())?;
    let client = roots
        .client()?
        .connect_timeout(options.upstream.connect_timeout());
    let private = private_modules(loaded);
    let around = Around {
        private: &private,
        storage: kept.map(|kept| &kept.storage),
        client: &client,
        offline: options.offline,
    };
    let (sumdb, upstream) = (&options.sumdb, &options.upstream);
    let verified = sumdb.verified(upstream, around)?;
    let sumdbs = sumdb.proxied(verified.as_ref(), upstream, around)?;
    let mut default = default_registry(options, kept);
    if let Some(sumdb) = verified {
        default.stored = default.stored.map(|stored| stored.verify(sumdb));
    }
    let mut registries = Vec::new();
    for entry in &file.registries {
        let name = format!("[[registry]] for {}", entry.modules);
        let credentials = match (entry.netrc.clone(), entry.token_file.clone()) {
            (Some(_), Some(_)) => {
                return Err(format!("{name}: netrc and token-file cannot both be set").into());
            }
            (Some(netrc), None) => Credentials::Netrc(netrc),
            (None, Some(token)) => Credentials::Token(token),
            (None, None) => Credentials::None,
        };
        let registry = Registry {
            name,
            list: entry.upstream.clone(),
            credentials,
            on_miss: entry.on_miss.unwrap_or(options.on_miss),
            stored: kept.map(Kept::source),
        };
        registries.push((Patterns::new(&entry.modules)?, registry));
    }
    // Without rules no module is direct, but a list may say so.
    let lists = registries.iter().map(|(_, registry)| registry);
    let has_rules = options.rules.are_given();
    let wants_direct = lists.chain([&default]).any(Registry::wants_direct);
    if !has_rules && !wants_direct && options.direct.is_asked_for() {
        warn!(
            "options for direct modules have no effect without --filter, or `direct` in --upstream"
        );
    }
    let has_entries = !file.direct.is_empty();
    if has_entries && !has_rules {
        return Err("[[direct]] needs --filter: rules say which modules are direct".into());
    }
    let direct = match has_rules || wants_direct {
        true => {
            let storage = &options.storage;
            options.direct.source(storage, &roots, has_entries).await?
        }
        false => Direct::Unwanted,
    };
    let mut directs = Vec::new();
    for entry in &file.direct {
        let goget = options.direct.entry(entry, &options.storage, &roots)?;
        let stored = kept.map(Kept::source);
        directs.push((Patterns::new(&entry.modules)?, goget, stored));
    }
    Ok(Modules {
        client,
        upstream: options.upstream.clone(),
        default,
        registries,
        direct,
        direct_stored: kept.map(Kept::source),
        directs,
        has_rules,
        sumdbs,
        shared_caches,
    })
}

/// Patterns of what no checksum database knows, nor should know.
pub(crate) fn private_modules(loaded: &Loaded) -> String {
    let file = &loaded.file;
    let others = file.registries.iter().map(|entry| &entry.modules);
    let others = others.chain(file.direct.iter().map(|entry| &entry.modules));
    let mut private: Vec<_> = others.map(String::as_str).collect();
    private.push(loaded.options.direct.private());
    private.join(",")
}

fn default_registry(options: &Options, kept: Option<&Kept>) -> Registry {
    let netrc = options.direct.netrc().map(ToOwned::to_owned);
    Registry {
        name: "--upstream".to_owned(),
        list: options.upstream.list.clone(),
        credentials: netrc.map_or(Credentials::Environment, Credentials::Netrc),
        on_miss: options.on_miss,
        stored: kept.map(Kept::source),
    }
}
