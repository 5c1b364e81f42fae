//! `kill -9` of a proxy at many moments of a fill: whatever is left behind, nothing half is ever served.
#![cfg(all(feature = "fill", feature = "upstream"))]

mod support;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use support::respawn::{self, Respawned};
use support::wire::{Protocol, get};
use support::{Answer, Framing, Gate, ScriptedRegistry, Server, kept, large_module_zip};
use tempfile::TempDir;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tower::Layer as _;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::{Storage, Upstream};

const KEY: &str = "example.com/m/@v/v1.0.0.zip";
const PART: usize = 64 * 1024;
const PARTS: usize = 36;
const COMMITS: usize = 32;

/// Over all tests here.
const _: () = assert!(2 + (PARTS - 1) + COMMITS >= 50);

/// No test: the process that gets killed. Its words are the folder and the upstream.
#[tokio::test]
async fn be_the_proxy() {
    let Some(words) = respawn::words() else {
        return;
    };
    let layer = FillLayer::new(Storage::disk(&words[0]).unwrap());
    let server = Server::start(layer.layer(Upstream::new(&words[1]).unwrap())).await;
    respawn::say(&server.address().to_string());
    let mut rest = Vec::new();
    let _ = tokio::io::stdin().read_to_end(&mut rest).await;
}

async fn start_proxy(folder: &Path, registry: &ScriptedRegistry) -> (Respawned, SocketAddr) {
    let folder = folder.to_str().unwrap();
    let mut proxy = Respawned::start("be_the_proxy", &[folder, &registry.url()], &[]);
    let address = proxy.heard().await.expect("the proxy starts");
    (proxy, address.parse().unwrap())
}

/// A proxy with an upstream that sends the file part by part, as it is let.
struct Stage {
    zip: Bytes,
    framing: Framing,
    folder: TempDir,
    registry: ScriptedRegistry,
    before_head: Gate,
    between_parts: Gate,
    proxy: Respawned,
    address: SocketAddr,
}

impl Stage {
    async fn set(zip: &Bytes, framing: Framing) -> Self {
        let (before_head, between_parts) = (Gate::closed(), Gate::closed());
        let answer = Answer::in_parts(zip.clone(), PART)
            .framing(framing)
            .withheld(&before_head)
            .gated(&between_parts);
        let registry = ScriptedRegistry::serving(format!("/{KEY}"), answer).await;
        let folder = TempDir::new().unwrap();
        let (proxy, address) = start_proxy(folder.path(), &registry).await;
        Self {
            zip: zip.clone(),
            framing,
            folder,
            registry,
            before_head,
            between_parts,
            proxy,
            address,
        }
    }

    fn stored(&self) -> PathBuf {
        self.folder.path().join(KEY)
    }

    /// How many bytes are in the staged file, if there is one.
    fn staged(&self) -> u64 {
        let names = kept::names(self.folder.path());
        let staged = names.iter().find(|name| name.starts_with(".staging/"));
        staged.map_or(0, |name| {
            fs::metadata(self.folder.path().join(name)).map_or(0, |file| file.len())
        })
    }

    /// Starts to ask. The answer begins as soon as the gates let it.
    async fn ask(&self) -> Asked {
        let stream = TokioIo::new(TcpStream::connect(self.address).await.unwrap());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        let request = http::Request::get(format!("/{KEY}")).header("host", "proxy");
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        let head = tokio::spawn(async move { sender.send_request(request).await });
        self.registry.requests().arrived(1).await;
        Asked {
            head,
            body: None,
            got: Vec::new(),
        }
    }

    /// The kill, and everything that must hold after it. Returns whether the file was there.
    async fn kill_and_start_again(mut self, asked: Asked, case: &str) -> bool {
        self.proxy.kill().await;
        asked.assert_not_whole_unless(&self.zip, case).await;
        let published = self.stored().exists();
        for name in kept::names(self.folder.path()) {
            if !name.starts_with(".staging/") {
                assert_eq!(name, KEY, "{case}");
                let content = fs::read(self.folder.path().join(&name)).unwrap();
                assert!(content == self.zip, "{case}: a file is there and not whole");
            }
        }

        let before = self.registry.requests().total();
        let (_proxy, address) = start_proxy(self.folder.path(), &self.registry).await;
        let staged = fs::read_dir(self.folder.path().join(".staging")).unwrap();
        assert_eq!(staged.count(), 0, "{case}: staged files are left");

        self.before_head.open();
        self.between_parts.open();
        let again = get(address, Protocol::Http11, &format!("/{KEY}"))
            .await
            .whole();
        again.assert_is(&self.zip);
        let status = again.cache_status();
        let asked = match (published, self.framing) {
            (true, _) => {
                assert_eq!(status, "hit", "{case}");
                0
            }
            (false, Framing::Length) => {
                assert_eq!(status, "fwd=miss; stored", "{case}");
                1
            }
            // It may turn out too large to be stored.
            (false, _) => {
                assert!(status.starts_with("fwd=miss"), "{case}: {status}");
                1
            }
        };
        assert_eq!(self.registry.requests().total() - before, asked, "{case}");
        published
    }
}

/// A client of the proxy that is going to be killed.
struct Asked {
    head: tokio::task::JoinHandle<hyper::Result<http::Response<Incoming>>>,
    body: Option<Incoming>,
    got: Vec<u8>,
}

impl Asked {
    async fn read_until(&mut self, bytes: usize) {
        while self.got.len() < bytes {
            let body = match &mut self.body {
                Some(body) => body,
                None => {
                    let response = (&mut self.head).await.unwrap().unwrap();
                    assert_eq!(response.status(), 200);
                    self.body.insert(response.into_body())
                }
            };
            let frame = body.frame().await.expect("the body goes on").unwrap();
            self.got.extend_from_slice(&frame.into_data().unwrap());
        }
    }

    /// What the client has is the beginning of the file, and it knows that the rest is missing.
    async fn assert_not_whole_unless(mut self, zip: &Bytes, case: &str) {
        if self.body.is_none() {
            match self.head.await.unwrap() {
                Ok(response) => self.body = Some(response.into_body()),
                Err(_) => return,
            }
        }
        let mut body = self.body.unwrap();
        let whole = loop {
            match body.frame().await {
                None => break true,
                Some(Err(_)) => break false,
                Some(Ok(frame)) => self.got.extend_from_slice(&frame.into_data().unwrap()),
            }
        };
        assert!(zip.starts_with(&self.got), "{case}: other bytes");
        assert!(!whole || self.got.len() == zip.len(), "{case}: looks whole");
    }
}

fn zip() -> Bytes {
    let zip = large_module_zip("example.com/m", "v1.0.0", (PARTS - 1) * PART + PART / 2);
    assert_eq!(zip.len().div_ceil(PART), PARTS);
    zip.into()
}

fn framing(i: usize) -> Framing {
    if i % 2 == 0 {
        Framing::Length
    } else {
        Framing::Chunked
    }
}

#[tokio::test]
async fn before_the_head() {
    for i in 0..2 {
        let stage = Stage::set(&zip(), framing(i)).await;
        let asked = stage.ask().await;
        assert!(!stage.kill_and_start_again(asked, "before the head").await);
    }
}

/// First in memory, then in the staged file.
#[tokio::test]
async fn after_each_part_but_the_last() {
    let zip = zip();
    let mut spilled = 0;
    for parts in 1..PARTS {
        let case = format!("after part {parts} of {PARTS}");
        let framing = framing(parts);
        let stage = Stage::set(&zip, framing).await;
        let mut asked = stage.ask().await;
        stage.before_head.open();
        stage.between_parts.allow(parts - 1);
        stage.between_parts.sent(parts).await;
        // The last 64 KiB of a known length are held back; of an unknown one the first 64 KiB until
        // there are more, and then a few bytes.
        let visible = match framing {
            Framing::Length => (parts * PART).min(zip.len() - 64 * 1024),
            _ if parts * PART <= 64 * 1024 => 0,
            _ => parts * PART - 64,
        };
        asked.read_until(visible).await;
        spilled += usize::from(stage.staged() > 0);
        assert!(!stage.kill_and_start_again(asked, &case).await, "{case}");
    }
    assert!(
        (PARTS / 2..PARTS).contains(&spilled),
        "{spilled} of {PARTS} were staged"
    );
}

/// Around the check, the sync, the publishing and the answer's end: each time a little further, since
/// the kill comes after another step of what can be seen from outside.
#[tokio::test]
async fn around_the_commit() {
    // The small one stays in memory until the commit, and is staged only then.
    let small = Bytes::from(large_module_zip("example.com/m", "v1.0.0", 2 * PART));
    let large = zip();
    let mut ends = Vec::new();
    for i in 0..COMMITS {
        let zip = if (i / 8).is_multiple_of(2) {
            &large
        } else {
            &small
        };
        let stage = Stage::set(zip, framing(i / 4)).await;
        let mut asked = stage.ask().await;
        stage.before_head.open();
        stage.between_parts.open();
        match i % 4 {
            // The last byte is on its way.
            0 => stage.between_parts.sent(zip.len().div_ceil(PART)).await,
            // All bytes are staged.
            1 => while_not(|| stage.staged() == zip.len() as u64 || stage.stored().exists()).await,
            // The client has the last byte: the check is over.
            2 => asked.read_until(zip.len()).await,
            // The file has its name.
            _ => while_not(|| stage.stored().exists()).await,
        }
        let case = format!("around the commit, {}", i % 4);
        ends.push((i % 4, stage.kill_and_start_again(asked, &case).await));
    }
    assert!(
        ends.iter()
            .filter(|(at, _)| *at == 3)
            .all(|(_, published)| *published)
    );
}

/// Looks again as often as the machine allows.
async fn while_not(mut done: impl FnMut() -> bool) {
    while !done() {
        tokio::task::yield_now().await;
    }
}
