//! Peak resident memory of a proxy while 1, 64 and 200 clients read one missing 100 MiB zip.
//!
//! `cargo bench --features full --bench memory`. Linux only.
//!
//! The proxy is a process of its own, begun anew for each row. All clients ask at once, read a
//! little and stop reading, so that what the kernel takes, hyper holds and the spool pins is all
//! there; the fill runs to its end behind them. Then they read the rest, and every byte is compared.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::{env, fs, process, thread};

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tower::Layer;
use tower_goproxy::fill::FillLayer;
use tower_goproxy::{Storage, Upstream};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const MIB: usize = 1024 * 1024;
const SIZE: usize = 100 * MIB;
const READERS: [usize; 3] = [1, 64, 200];
const PATH: &str = "/example.com/big/@v/v1.0.0.zip";
const ROLE: &str = "TOWER_GOPROXY_MEMORY_PROXY";

fn main() {
    if let Ok(role) = env::var(ROLE) {
        let (upstream, folder) = role.split_once(' ').expect("an upstream and a folder");
        return proxy(upstream, Path::new(folder));
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let zip = folder.path().join("big.zip");
    write_zip(&zip);
    println!(
        "a missing zip of {} MiB, read by clients that stop in the middle",
        SIZE / MIB
    );
    println!("| readers | upstream requests | peak growth | of that per reader |");
    println!("|---:|---:|---:|---:|");
    for readers in READERS {
        let row = measure(readers, &zip, &folder.path().join(readers.to_string()));
        println!(
            "| {readers} | {} | {:.1} MiB | {:.0} KiB |",
            row.fetches,
            row.growth as f64 / 1024.0,
            row.growth as f64 / readers as f64,
        );
    }
}

struct Row {
    fetches: usize,
    /// In KiB.
    growth: u64,
}

fn measure(readers: usize, zip: &Path, folder: &Path) -> Row {
    let upstream = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = upstream.local_addr().expect("an address");
    let served = zip.to_owned();
    let fetches = thread::spawn(move || serve(&upstream, &served));
    let mut proxy = start(address, folder);
    let before = proxy.peak();

    let stored = folder.join(&PATH[1..]);
    let (stopped, go_on) = (Barrier::new(readers + 1), Barrier::new(readers + 1));
    thread::scope(|scope| {
        for _ in 0..readers {
            scope.spawn(|| {
                let mut client = TcpStream::connect(proxy.address).expect("the proxy listens");
                write!(client, "GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("asked");
                let mut client = BufReader::new(client);
                skip_head(&mut client);
                stopped.wait();
                go_on.wait();
                compare(&mut client, zip);
            });
        }
        stopped.wait();
        // The fill ends when the file is in its place, whoever reads.
        while !stored.exists() {
            thread::yield_now();
        }
        go_on.wait();
    });
    let growth = proxy.peak() - before;
    proxy.stop();
    // One more connection ends the upstream.
    drop(TcpStream::connect(address));
    let fetches = fetches.join().expect("the upstream has not panicked");
    Row { fetches, growth }
}

struct Proxy {
    child: Child,
    address: SocketAddr,
}

fn start(upstream: SocketAddr, folder: &Path) -> Proxy {
    let mut child = Command::new(env::current_exe().expect("this program"))
        .env(ROLE, format!("{upstream} {}", folder.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program starts again");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("it is piped"))
        .read_line(&mut line)
        .expect("the proxy says its address");
    let address = line.trim().parse().expect("an address");
    Proxy { child, address }
}

impl Proxy {
    /// Of resident memory since the process began, in KiB.
    fn peak(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))
            .expect("Linux tells of its processes");
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let value = line.and_then(|line| line.split_whitespace().nth(1));
        value
            .expect("a number of KiB")
            .parse()
            .expect("a number of KiB")
    }

    fn stop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().expect("the proxy ends with its input");
    }
}

fn proxy(upstream: &str, folder: &Path) {
    // Ends with the process that began it.
    thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        process::exit(0);
    });
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let storage = Storage::disk(folder).expect("a folder");
        let upstream = Upstream::new(&format!("http://{upstream}")).expect("a registry");
        let service = TowerToHyperService::new(FillLayer::new(storage).layer(upstream));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        println!("{}", listener.local_addr().expect("an address"));
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let service = service.clone();
            tokio::spawn(async move {
                let _ = auto::Builder::new(TokioExecutor::new())
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
}

/// Serves the file to each request, and counts them, until a connection comes without one.
fn serve(listener: &TcpListener, zip: &PathBuf) -> usize {
    let mut fetches = 0;
    loop {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut request = BufReader::new(stream.try_clone().expect("a second handle"));
        let mut line = String::new();
        if request.read_line(&mut line).unwrap_or(0) == 0 {
            return fetches;
        }
        skip_head(&mut request);
        fetches += 1;
        let mut file = File::open(zip).expect("the zip is there");
        let len = file.metadata().expect("its size").len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\nConnection: close\r\n\r\n"
        )
        .and_then(|()| std::io::copy(&mut file, &mut stream))
        .expect("the proxy takes the whole zip");
    }
}

fn skip_head(stream: &mut impl BufRead) {
    let mut line = String::new();
    while stream.read_line(&mut line).expect("a line of a head") > 2 {
        line.clear();
    }
}

/// A compared byte for byte copy is better than a hash: it says which one is wrong.
fn compare(client: &mut impl Read, zip: &Path) {
    let mut file = BufReader::new(File::open(zip).expect("the zip is there"));
    let (mut expected, mut got) = (vec![0; 64 * 1024], vec![0; 64 * 1024]);
    let mut left = fs::metadata(zip).expect("its size").len();
    while left > 0 {
        let len = expected
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        file.read_exact(&mut expected[..len])
            .expect("the zip is whole");
        client
            .read_exact(&mut got[..len])
            .expect("the client gets every byte");
        assert!(expected[..len] == got[..len], "a client got other bytes");
        left -= len as u64;
    }
}

fn write_zip(path: &Path) {
    let mut zip = ZipWriter::new(File::create(path).expect("a writable folder"));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("example.com/big@v1.0.0/data", stored)
        .expect("a zip");
    let mut state = 1u64;
    let mut block = vec![0; MIB];
    for _ in 0..SIZE / MIB {
        for byte in &mut block {
            // Marsaglia's xorshift, so that no two blocks are alike.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state.to_le_bytes()[0];
        }
        zip.write_all(&block).expect("room for the zip");
    }
    zip.finish().expect("a whole zip");
}
