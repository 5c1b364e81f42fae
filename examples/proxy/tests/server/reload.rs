//! Files that are read again while the server runs.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::StatusCode;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::keys::{Keys, client};
use crate::module_file;
use crate::proxy::Proxy;
use crate::support::ScriptedRegistry;
use crate::support::within_minutes;
use crate::users::{basic, get_as, hash};

const ONE: &str = "/example.com/m/@v/v1.0.0.mod";
const TWO: &str = "/example.org/m/@v/v1.0.0.mod";

struct Scene {
    folder: TempDir,
    proxy: Proxy,
    _registry: ScriptedRegistry,
}

impl Scene {
    async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let (filter, users) = (at("filter.conf"), at("users"));
        write(&folder, 1);
        let registry = module_file().await;
        let upstream = registry.url();
        let args = ["--storage", "memory:", "--upstream", &upstream];
        let own = ["--filter", &filter, "--users", &users, "--metrics"];
        let proxy = Proxy::start(&[&args[..], &own].concat()).await;
        Self {
            folder,
            proxy,
            _registry: registry,
        }
    }

    /// What the server counts.
    async fn figure(&self, user: &str, name: &str) -> Option<String> {
        let page = get_as(&self.proxy, "/metrics", &basic(user, user)).await;
        let text = page.text();
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(name).map(|rest| rest.trim().to_owned()))
    }
}

/// The first state excludes one module, and lets one user in; the second state another module and another user.
fn write(folder: &TempDir, state: u8) {
    let (excluded, user) = match state {
        1 => ("example.org", "alice"),
        _ => ("example.com", "bob"),
    };
    // One right after the other: what stays for a second is read.
    let (rules, users) = (
        format!("+\n- {excluded}\n"),
        format!("{user}:{}\n", hash(user)),
    );
    fs::write(folder.path().join("filter.conf"), rules).unwrap();
    fs::write(folder.path().join("users"), users).unwrap();
}

/// Which of the two users is let in, and whether each gets what their state includes.
async fn state(proxy: &Proxy) -> u8 {
    let mut found = 0;
    for (state, user, good, bad) in [(1, "alice", ONE, TWO), (2, "bob", TWO, ONE)] {
        // Of one user at one moment there is one state.
        let answered = get_as(proxy, bad, &basic(user, user)).await;
        match answered.status {
            Some(StatusCode::UNAUTHORIZED) => continue,
            Some(StatusCode::FORBIDDEN) => found = state,
            other => panic!("{user} got {other:?}: a mixture of two states"),
        }
        let answered = get_as(proxy, good, &basic(user, user)).await;
        let status = answered.status.unwrap();
        // It may have changed in between.
        let is_known = [
            StatusCode::UNAUTHORIZED,
            StatusCode::NOT_FOUND,
            StatusCode::OK,
        ];
        assert!(is_known.contains(&status), "{status}: {}", answered.text());
    }
    found
}

#[tokio::test]
async fn sighup_changes_all_files_at_once_and_fails_no_request() {
    let scene = Arc::new(Scene::new().await);
    assert_eq!(state(&scene.proxy).await, 1);
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for _ in 0..8 {
        let (scene, stop) = (Arc::clone(&scene), Arc::clone(&stop));
        clients.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                state(&scene.proxy).await;
            }
        });
    }
    for (next, user) in [(2, "bob"), (1, "alice"), (2, "bob")] {
        write(&scene.folder, next);
        scene.proxy.signal("-HUP").await;
        within_minutes(async { while state(&scene.proxy).await != next {} }).await;
        // Half of the other state, and a broken file.
        write(&scene.folder, 3 - next);
        fs::write(scene.folder.path().join("filter.conf"), "? broken\n").unwrap();
        scene.proxy.signal("-HUP").await;
        let failed = async || scene.figure(user, "goproxy_reload_failed").await;
        within_minutes(async { while failed().await.as_deref() != Some("1") {} }).await;
        assert_eq!(state(&scene.proxy).await, next);
    }
    stop.store(true, Ordering::Relaxed);
    clients.join_all().await;
}

#[tokio::test]
async fn one_broken_file_keeps_all_of_the_old_ones_and_is_counted() {
    let scene = Scene::new().await;
    write(&scene.folder, 2);
    fs::write(scene.folder.path().join("filter.conf"), "? broken\n").unwrap();
    scene.proxy.signal("-HUP").await;
    within_minutes(async {
        while scene
            .figure("alice", "goproxy_reload_failed")
            .await
            .as_deref()
            != Some("1")
        {}
    })
    .await;
    assert_eq!(state(&scene.proxy).await, 1);

    // A mended file is noticed without a signal.
    write(&scene.folder, 2);
    within_minutes(async { while state(&scene.proxy).await != 2 {} }).await;
    let failed = scene.figure("bob", "goproxy_reload_failed").await;
    assert_eq!(failed.as_deref(), Some("0"));
}

#[tokio::test]
async fn a_new_certificate_is_for_new_connections() {
    let keys = Keys::new();
    let options = keys.options();
    let tls: Vec<_> = options.iter().map(String::as_str).collect();
    let args = ["--storage", "memory:", "--upstream", "off"];
    let proxy = Proxy::start(&[&args[..], &tls].concat()).await;
    let connects = |name: &'static str, authority| {
        let connector = TlsConnector::from(client(authority, &["http/1.1"]));
        let address = proxy.address;
        async move {
            let stream = TcpStream::connect(address).await.unwrap();
            connector
                .connect(name.try_into().unwrap(), stream)
                .await
                .is_ok()
        }
    };
    let authority = keys.at("authority.pem");
    assert!(connects("one.example", &authority).await);
    let old = keys.at("old.pem");
    fs::copy(&authority, &old).unwrap();

    fs::write(keys.at("cert.pem"), "broken").unwrap();
    proxy.signal("-HUP").await;
    assert!(connects("one.example", &old).await);

    keys.renew("two.example");
    proxy.signal("-HUP").await;
    within_minutes(async { while !connects("two.example", &authority).await {} }).await;
    assert!(!connects("one.example", &old).await);
}
