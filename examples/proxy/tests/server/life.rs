//! From SIGTERM to the end.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use bytes::Bytes;
use http::StatusCode;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::net::unix::pipe::OpenOptions;
use tokio::process::Command;

use crate::proxy::{Proxy, command};
use crate::support::go::program;
use crate::support::wire::{Connection, Protocol};
use crate::support::{
    Answer, Gate, Kept, ScriptedRegistry, fetch, large_module_zip, read, web_client, within_minutes,
};
use crate::{MOD, PART, ZIP};

/// A server in the middle of a fill that goes no further, and its client.
struct Filling {
    proxy: Proxy,
    kept: Kept,
    _registry: ScriptedRegistry,
    _body: hyper::body::Incoming,
}

async fn filling(options: &[&str]) -> Filling {
    let zip = Bytes::from(large_module_zip("example.com/m", "v1.0.0", 384 * PART));
    let gate = Gate::closed();
    let answer = Answer::in_parts(zip, PART).gated(&gate);
    let registry = ScriptedRegistry::serving(ZIP, answer).await;
    let kept = Kept::on_disk();
    let (folder, upstream) = (kept.folder().to_str().unwrap(), registry.url());
    let args = ["--storage", folder, "--upstream", &upstream];
    let proxy = Proxy::start(&[&args, options].concat()).await;
    gate.allow(7);
    let url = format!("http://{}{ZIP}", proxy.address);
    let mut body = fetch(&web_client(false), &url).await.into_body();
    read(&mut body, 4 * PART).await.unwrap();
    Filling {
        proxy,
        kept,
        _registry: registry,
        _body: body,
    }
}

#[tokio::test]
async fn what_takes_too_long_after_sigterm_is_cut_and_leaves_no_file() {
    let filling = filling(&["--shutdown-timeout", "0.5"]).await;
    filling.proxy.signal("-TERM").await;
    assert_eq!(filling.proxy.ended().await.code(), Some(0));
    assert_eq!(filling.kept.names().await, [""; 0]);
}

/// A zip whose client has left in the middle, and a list whose client did not wait for its head. The source of both is silent.
#[tokio::test]
async fn what_nobody_waits_for_does_not_delay_the_end() {
    let list = "/example.com/m/@v/list";
    let zip = Bytes::from(large_module_zip("example.com/m", "v1.0.0", 384 * PART));
    let gate = Gate::closed();
    gate.allow(7);
    let held = gate.clone();
    let registry = ScriptedRegistry::http1(move |request| match &*request.path {
        ZIP => Answer::in_parts(zip.clone(), PART).gated(&held),
        _ => Answer::new(["v1.0.0\n"]).withheld(&Gate::closed()),
    })
    .await;
    let kept = Kept::on_disk();
    let (folder, upstream) = (kept.folder().to_str().unwrap(), registry.url());
    let args = ["--storage", folder, "--upstream", &upstream];
    let proxy = Proxy::start(&[&args[..], &["--shutdown-timeout", "3600"]].concat()).await;
    let url = format!("http://{}{ZIP}", proxy.address);
    let mut body = fetch(&web_client(false), &url).await.into_body();
    read(&mut body, 4 * PART).await.unwrap();
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    let request = format!("GET {list} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    within_minutes(registry.requests().arrived(2)).await;
    drop((body, stream));
    proxy.signal("-TERM").await;
    assert_eq!(proxy.ended().await.code(), Some(0));
    assert_eq!(kept.names().await, [""; 0]);
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once() {
    let filling = filling(&["--shutdown-timeout", "3600"]).await;
    filling.proxy.terminate().await;
    filling.proxy.signal("-TERM").await;
    assert_eq!(filling.proxy.ended().await.code(), Some(1));
}

/// Commands are processes of their own, and have such.
#[tokio::test]
async fn a_second_signal_ends_the_commands_that_run() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (go, started) = (program(), at("started"));
    let script = format!(
        "#!/bin/sh\ncase $1 in mod|list) sleep 3600 & echo $! > {started}; wait;; esac\nexec {} \"$@\"\n",
        go.display()
    );
    fs::write(at("go"), script).unwrap();
    fs::set_permissions(at("go"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(at("filter.conf"), "+\nD example.com\n").unwrap();
    let (modules, filter, go) = (at("modules"), at("filter.conf"), at("go"));
    let args = ["--storage", &modules, "--filter", &filter, "--go", &go];
    let mut server = command(&[&args[..], &["--upstream", "off"]].concat());
    server.env("PATH", std::env::var_os("PATH").unwrap());
    let proxy = Proxy::run(server).await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    let request = format!("GET {MOD} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let id = within_minutes(async {
        loop {
            match fs::read_to_string(&started) {
                Ok(id) if id.ends_with('\n') => break id,
                _ => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    proxy.terminate().await;
    proxy.signal("-TERM").await;
    assert_eq!(proxy.ended().await.code(), Some(1));
    // It may be dead and not collected.
    let runs = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", id.trim()));
        stat.is_ok_and(|stat| !stat.contains(") Z "))
    };
    within_minutes(async {
        while runs() {
            tokio::task::yield_now().await
        }
    })
    .await;
}

#[tokio::test]
async fn silent_clients_do_not_delay_the_end() {
    let registry = ScriptedRegistry::serving(MOD, Answer::new(["module example.com/m\n"])).await;
    let upstream = registry.url();
    let args = ["--storage", "memory:", "--upstream", &upstream];
    let proxy = Proxy::start(&[&args[..], &["--shutdown-timeout", "3600"]].concat()).await;
    let mut held = Vec::new();
    let settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    for sent in [
        &b""[..],
        b"GET /exam",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        &settings[..5],
        settings,
    ] {
        let mut stream = TcpStream::connect(proxy.address).await.unwrap();
        stream.write_all(sent).await.unwrap();
        held.push(stream);
    }
    let mut idle = Connection::open(proxy.address, Protocol::Http11).await;
    let request = http::Request::get(MOD).body(()).unwrap();
    idle.send(request).await.whole();
    proxy.terminate().await;
    assert_eq!(proxy.ended().await.code(), Some(0));
}

#[tokio::test]
async fn a_server_that_is_going_to_stop_says_so_and_still_takes_connections() {
    let args = ["--storage", "memory:", "--drain-delay", "3600"];
    let proxy = Proxy::start(&args).await;
    let ready = proxy.get("/readyz").await.whole();
    assert_eq!(ready.text(), "ready\nstorage: up\nregistries away: 0\n");
    proxy.signal("-TERM").await;
    within_minutes(async { while proxy.get("/readyz").await.status == Some(StatusCode::OK) {} })
        .await;
    let stopping = proxy.get("/readyz").await;
    assert_eq!(stopping.status, Some(StatusCode::SERVICE_UNAVAILABLE));
    assert!(stopping.text().starts_with("stopping\n"));
    proxy.get("/healthz").await.whole();
    proxy.signal("-INT").await;
    assert_eq!(proxy.ended().await.code(), Some(1));
}

/// One that comes while the server closes gets no answer, and no half one.
#[tokio::test]
async fn a_closing_server_answers_what_it_has_begun() {
    let filling = filling(&["--shutdown-timeout", "1"]).await;
    filling.proxy.terminate().await;
    assert!(TcpStream::connect(filling.proxy.address).await.is_err());
    let ended = filling.proxy.ended();
    assert_eq!(ended.await.code(), Some(0));
    let mut body = filling._body;
    let rest = http_body_util::BodyExt::collect(&mut body).await;
    assert!(rest.is_err(), "a cut response looks whole");
}

#[tokio::test]
async fn a_server_that_waits_for_its_storage_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("file");
    fs::write(&taken, "").unwrap();
    let name = taken.to_str().unwrap();
    let mut waiting = command(&["--storage", name, "--wait-for-storage", "3600"]);
    waiting.stderr(Stdio::piped());
    let mut child = waiting.spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = within_minutes(log.next_line()).await.unwrap().unwrap();
    assert!(line.contains("waiting for the storage"), "{line}");
    // There is nothing to reload yet.
    for signal in ["-HUP", "-TERM"] {
        let mut kill = Command::new("kill");
        kill.args([signal, &child.id().unwrap().to_string()]);
        assert!(kill.status().await.unwrap().success());
    }
    let ended = within_minutes(child.wait()).await.unwrap();
    assert_eq!(ended.code(), Some(0));
}

/// As with a file system that is away.
#[tokio::test]
async fn a_thread_that_waits_for_a_file_does_not_delay_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let filter = folder.path().join("filter.conf");
    fs::write(&filter, "+\n").unwrap();
    let name = filter.to_str().unwrap();
    let args = ["--storage", "memory:", "--filter", name];
    let proxy = Proxy::start(&args).await;
    fs::remove_file(&filter).unwrap();
    let mut fifo = Command::new("mkfifo");
    assert!(fifo.arg(&filter).status().await.unwrap().success());
    // Once the server reads, it can be opened, and does not end before this end of it is dropped.
    proxy.signal("-HUP").await;
    let _pipe = within_minutes(async {
        loop {
            match OpenOptions::new().open_sender(&filter) {
                Ok(pipe) => break pipe,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    proxy.get("/healthz").await.whole();
    proxy.terminate().await;
    assert_eq!(proxy.ended().await.code(), Some(0));
}
