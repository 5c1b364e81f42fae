//! Lists of registries of which some are away or refuse: what the real go command makes of one by itself, and what it
//! makes of a proxy with the same list.

use std::collections::BTreeMap;
use std::time::Duration;

use ::axum::Router;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tower_goproxy::Upstream;

use crate::server::{Act, Gate, Script, Server, answer, ok};
use crate::support::{Client, Port, module_zip};

const MODULE: &str = "/example.com/tools/@v";

/// Answers for one module, and `other` for everything else. A status of 0 is no answer at all.
async fn registry(has_module: bool, other: u16, never: &Gate) -> Server {
    let go_mod = "module example.com/tools\n\ngo 1.20\n";
    let program: &[u8] = b"package main\n\nfunc main() {}\n";
    let zip = module_zip(
        "example.com/tools",
        "v1.0.0",
        &[
            ("go.mod", go_mod.as_bytes()),
            ("cmd/hello/main.go", program),
        ],
    );
    let files: BTreeMap<String, Vec<u8>> = [
        ("list", b"v1.0.0\n".to_vec()),
        ("v1.0.0.info", br#"{"Version":"v1.0.0"}"#.to_vec()),
        ("v1.0.0.mod", go_mod.into()),
        ("v1.0.0.zip", zip),
    ]
    .into_iter()
    .map(|(name, bytes)| (format!("{MODULE}/{name}"), bytes))
    .collect();
    let gate = never.clone();
    Server::start(move |seen| -> Script {
        match files.get(&seen.target).filter(|_| has_module) {
            Some(bytes) => ok(bytes),
            None if other == 0 => vec![Act::Pass(gate.clone())],
            None => answer(
                &format!("{other} X"),
                &["Content-Type: text/plain"],
                "by policy",
            ),
        }
    })
    .await
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Installs,
    Fails,
    Hangs,
}

use End::{Fails, Hangs, Installs};

/// How it ends, and what the user reads.
async fn install(goproxy: &str, may_hang: bool) -> (End, String) {
    let client = Client::new(goproxy);
    let folder = TempDir::new().unwrap();
    let args = ["install", "example.com/tools/cmd/hello@v1.0.0"];
    let run = client.run_in(folder.path(), &args);
    // More than a run takes that does not hang; it ends those that do.
    let limit = Duration::from_secs(if may_hang { 5 } else { 120 });
    match tokio::time::timeout(limit, run).await {
        Err(_) => (Hangs, String::new()),
        Ok(output) if output.success => (Installs, output.stderr),
        Ok(output) => (Fails, output.stderr),
    }
}

/// The address of a server for `upstream`.
pub async fn proxy(upstream: Upstream) -> String {
    let app = Router::new().fallback_service(upstream);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { ::axum::serve(listener, app).await });
    format!("http://{address}")
}

#[tokio::test]
async fn a_proxy_installs_what_the_go_command_would_install_by_itself() {
    let never = Gate::closed();
    let live = registry(true, 404, &never).await;
    let forbids = registry(false, 403, &never).await;
    let errs = registry(false, 500, &never).await;
    let silent = registry(false, 0, &never).await;
    let dead = Port::new();
    let names = [
        ("live", live.http()),
        ("forbids", forbids.http()),
        ("errs", errs.http()),
        ("silent", silent.http()),
        ("dead", dead.url()),
    ];
    let (cannot, late) = ("502 Bad Gateway", "504 Gateway Timeout");
    // What go makes of the list, what of ours, and what the user reads where that fails.
    for (list, alone, through, reason) in [
        ("live,dead", Installs, Installs, ""),
        ("live|dead", Installs, Installs, ""),
        ("dead|live", Installs, Installs, ""),
        ("dead,live", Fails, Fails, cannot),
        ("live,silent", Installs, Installs, ""),
        ("live|silent", Installs, Installs, ""),
        // The go command has no limit of time.
        ("silent|live", Hangs, Installs, ""),
        ("silent,live", Hangs, Fails, late),
        ("forbids,live", Fails, Fails, "by policy"),
        ("errs,live", Fails, Fails, cannot),
        // The go command asks for the paths above and below a module too. It asks the one registry that has the module for
        // all of them; we are asked for each by itself. A registry that answers is not away: what it refuses may be what
        // it blocks, and a 404 in its place would send clients on to the next proxy of their own list.
        ("live,forbids", Installs, Fails, "by policy"),
        ("live|forbids", Installs, Fails, "by policy"),
        ("forbids|live", Installs, Fails, "by policy"),
        ("live,errs", Installs, Fails, cannot),
        ("live|errs", Installs, Fails, cannot),
        ("errs|live", Installs, Fails, cannot),
    ] {
        let list_of_urls = names
            .iter()
            .fold(list.to_owned(), |list, (name, url)| list.replace(name, url));
        let before = live.seen().len();
        assert_eq!(
            install(&list_of_urls, alone == Hangs).await.0,
            alone,
            "go alone: {list}"
        );
        let asked_alone = live.seen().len() > before;
        let before = live.seen().len();
        let upstream = Upstream::new(&list_of_urls).unwrap();
        let upstream = upstream
            .first_byte_timeout(Duration::from_secs(3))
            .retries(0);
        let (found, said) = install(&proxy(upstream).await, false).await;
        assert_eq!(found, through, "through the proxy: {list}");
        assert!(said.contains(reason), "{list}: {said}");
        let asked = live.seen().len() > before;
        let is_behind_a_comma = list.ends_with(",live");
        assert_eq!(asked, !is_behind_a_comma, "{list}: asked through the proxy");
        assert_eq!(asked_alone, asked && alone != Hangs, "{list}: asked by go");
    }
}
