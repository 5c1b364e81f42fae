//! A bucket as the storage: the S3 client of object_store against moto, which speaks S3.
//!
//! Needs `TOWER_GOPROXY_MOTO=$(scripts/s3.sh)`, which `scripts/test.sh` sets.
#![cfg(all(feature = "fill", feature = "upstream"))]

mod support;

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;

use http::{Method, Request};
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use support::plain_source::{PlainSource, Source};
use support::wire::{Connection, Protocol};
use support::{Server, large_module_zip, module_zip};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tower::Layer as _;
use tower_goproxy::Storage;
use tower_goproxy::check::{Check, Checking, Remove, Verdict};
use tower_goproxy::fill::{Fill, FillLayer};
use tower_goproxy::source::Area;
use tower_goproxy::source::Tasks;

const PATH: &str = "/example.com/!team/~mod/@v/v1.0.0+incompatible.zip";

/// An S3 with one empty bucket, until it is dropped.
struct Moto {
    address: SocketAddr,
    _child: Child,
}

impl Moto {
    async fn start() -> Self {
        let program = std::env::var_os("TOWER_GOPROXY_MOTO")
            .expect("no S3 server: run scripts/test.sh, which fetches one");
        let mut child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("TOWER_GOPROXY_MOTO is a command");
        let mut log = BufReader::new(child.stderr.take().expect("it is a pipe")).lines();
        let address = loop {
            let line = log
                .next_line()
                .await
                .unwrap()
                .expect("moto says where it is");
            if let Some((_, address)) = line.split_once("Running on http://") {
                break address.trim().parse().unwrap();
            }
        };
        // It logs each request, and must not wait for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = log.next_line().await {} });
        let moto = Self {
            address,
            _child: child,
        };
        moto.ask(Method::PUT, "/modules").await;
        moto
    }

    async fn ask(&self, method: Method, path: &str) -> String {
        let mut connection = Connection::open(self.address, Protocol::Http11).await;
        let request = Request::builder().method(method).uri(path);
        connection
            .send(request.body(()).unwrap())
            .await
            .whole()
            .text()
    }

    /// The client of a process of its own.
    fn store(&self) -> Arc<dyn ObjectStore> {
        // The second one finds it installed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let store = AmazonS3Builder::new()
            .with_endpoint(format!("http://{}", self.address))
            .with_allow_http(true)
            .with_bucket_name("modules")
            .with_region("us-east-1")
            .with_access_key_id("id")
            .with_secret_access_key("secret")
            .build();
        Arc::new(store.unwrap())
    }

    /// Empties the bucket.
    async fn forget(&self) {
        let path = Path::parse(&PATH[1..]).unwrap();
        self.store().delete(&path).await.unwrap();
    }

    fn proxy(&self, source: &PlainSource) -> (Fill<Source>, Tasks) {
        let layer = FillLayer::new(Storage::new(self.store())).area(Area::Included);
        (layer.layer(source.service()), layer.fills())
    }

    async fn assert_no_open_uploads(&self) {
        let uploads = self.ask(Method::GET, "/modules?uploads").await;
        assert!(uploads.contains("ListMultipartUploadsResult"), "{uploads}");
        assert!(!uploads.contains("<UploadId>"), "{uploads}");
    }
}

fn source(size: usize) -> PlainSource {
    let zip = large_module_zip("example.com/Team/~mod", "v1.0.0+incompatible", size);
    PlainSource::new(zip)
}

fn get(range: Option<&str>) -> Request<()> {
    let mut request = Request::get(PATH);
    if let Some(range) = range {
        request = request.header("range", range);
    }
    request.body(()).unwrap()
}

/// By one put, and by a multipart upload of five parts.
#[tokio::test]
async fn a_file_goes_into_a_bucket_and_comes_out_again() {
    let moto = Moto::start().await;
    for size in [100_000, 20 << 20] {
        moto.forget().await;
        let source = source(size);
        let (fill, fills) = moto.proxy(&source);
        let server = Server::start(fill).await;
        let mut client = Connection::open(server.address(), Protocol::Http11).await;

        let miss = client.send(get(None)).await.whole();
        miss.assert_is(source.file());
        assert_eq!(miss.cache_status(), "fwd=miss; stored");
        fills.idle().await;
        let stored = moto.store().head(&Path::parse(&PATH[1..]).unwrap()).await;
        assert_eq!(stored.unwrap().size, source.file().len() as u64);
        let hit = client.send(get(None)).await.whole();
        hit.assert_is(source.file());
        assert_eq!(hit.cache_status(), "hit");

        let end = source.file().len() - 1;
        let range = format!("bytes=1000-{end}");
        let part = client.send(get(Some(&range))).await;
        assert_eq!(part.status.unwrap(), 206);
        assert_eq!(part.broken, None);
        part.assert_is(&source.file()[1000..]);
        assert_eq!(source.asked(), 1);
        moto.assert_no_open_uploads().await;
    }
}

/// Two processes that know nothing of each other fill the same file: the last one wins or the
/// first one, and it is the same file.
#[tokio::test]
async fn two_proxies_race_for_one_file() {
    let moto = Moto::start().await;
    for size in [100_000, 12 << 20] {
        moto.forget().await;
        let source = source(size).closed();
        let mut clients = Vec::new();
        let mut idle = Vec::new();
        for _ in 0..2 {
            let (fill, fills) = moto.proxy(&source);
            idle.push(fills);
            clients.push(tokio::spawn(async move {
                let server = Server::start(fill).await;
                let mut client = Connection::open(server.address(), Protocol::Http11).await;
                client.send(get(None)).await.whole()
            }));
        }
        while source.asked() < 2 {
            tokio::task::yield_now().await;
        }
        source.open();
        for client in clients {
            client.await.unwrap().assert_is(source.file());
        }
        for fills in idle {
            fills.idle().await;
        }
        moto.assert_no_open_uploads().await;

        let (fill, _) = moto.proxy(&source);
        let server = Server::start(fill).await;
        let mut client = Connection::open(server.address(), Protocol::Http11).await;
        let hit = client.send(get(None)).await.whole();
        hit.assert_is(source.file());
        assert_eq!((hit.cache_status(), source.asked()), ("hit", 2));
    }
}

async fn rest(checking: &mut Checking) -> Vec<(String, Verdict)> {
    let mut files = Vec::new();
    while let Some(file) = checking.next().await.unwrap() {
        files.push((file.path, file.verdict));
    }
    files
}

/// A listing has 1,000 files on each of its pages.
#[tokio::test]
async fn a_bucket_is_checked_over_several_pages_and_from_the_middle_on() {
    const FILES: usize = 1_050;
    let moto = Moto::start().await;
    let store = moto.store();
    let put = async |key: &str, content: Vec<u8>| {
        let path = Path::parse(key).unwrap();
        store.put(&path, content.into()).await.unwrap();
    };
    let zip = module_zip("example.com/Team/m", "v1.0.0", &[("m.go", b"package m")]);
    put("example.com/!team/m/@v/v1.0.0.zip", zip).await;
    put(
        "example.com/!team/m/@v/v1.0.0.ziphash",
        b"h1:other".to_vec(),
    )
    .await;
    put("example.com/~user/m/@v/v1.0.0.mod", Vec::new()).await;
    for number in 0..FILES {
        let key = format!("example.com/m/@v/v1.{number}.0.mod");
        put(&key, b"module example.com/m\n".to_vec()).await;
    }
    let check = || Check::new(Storage::new(moto.store())).max_files(8);

    let mut first = check().start().await.unwrap();
    for _ in 0..500 {
        first.next().await.unwrap();
    }
    first.stop();
    let checked = 500 + rest(&mut first).await.len();
    let mut second = check().start().await.unwrap();
    assert_eq!(second.resumed().unwrap().path, first.position());
    let files = rest(&mut second).await;
    assert_eq!(checked + files.len(), FILES + 3);
    assert!(files.is_sorted_by(|a, b| a.0 < b.0));
    let summary = second.summary();
    assert_eq!(
        (summary.good, summary.wrong, summary.stray),
        (FILES as u64 + 1, 1, 1)
    );

    let all = check().remove(Remove::WrongAndStray).start().await;
    rest(&mut all.unwrap()).await;
    let mut again = check().start().await.unwrap();
    assert_eq!(rest(&mut again).await.len(), FILES);
    assert!(again.summary().is_good());
}
