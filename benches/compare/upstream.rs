//! The registry behind all of them: threads that hand bytes to the kernel, so that it takes little
//! of the machine; one port for each speed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::fs::{MemfdFlags, memfd_create, sendfile};

use crate::content::{self, BLOCK, Content, KIB, MIB, Module, ZIP_5M, ZIP_100M};
use crate::process::{Cpu, Process};
use crate::roles;

/// What it sends to one client, in bytes a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speed {
    Unlimited,
    /// 20 MiB/s, as from far away.
    Far,
    /// 1 MiB/s: slow enough that many fills run at once.
    Slow,
    /// 32 KiB/s: enough for a thousand.
    Trickle,
}

const SPEEDS: [(Speed, u64); 4] = [
    (Speed::Unlimited, 0),
    (Speed::Far, 20 * MIB),
    (Speed::Slow, MIB),
    (Speed::Trickle, 32 * KIB),
];

#[derive(Debug)]
pub struct Upstream {
    addresses: Vec<SocketAddr>,
    _process: Process,
}

impl Upstream {
    pub fn start() -> Self {
        let speeds: Vec<_> = SPEEDS.iter().map(|(_, speed)| speed.to_string()).collect();
        let (process, line) = Process::own(Cpu::Any, roles::UPSTREAM, &speeds);
        let addresses = line.split_whitespace().map(|address| address.parse());
        Self {
            addresses: addresses.collect::<Result<_, _>>().expect("addresses"),
            _process: process,
        }
    }

    pub fn address(&self, speed: Speed) -> SocketAddr {
        let at = SPEEDS.iter().position(|(known, _)| *known == speed);
        self.addresses[at.expect("all speeds are served")]
    }

    /// Has it make the zip of this module, so that the first who asks does not wait for that.
    pub fn prepare(&self, module: &Module) {
        self.line(&format!("/-/prepare/{}", content::path(module, 0, "zip")));
    }

    /// How often this path was asked for, at any speed.
    pub fn fetches(&self, path: &str) -> usize {
        let line = self.line(&format!("/-/fetches/{path}"));
        line.parse().expect("a number")
    }

    fn line(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.addresses[0]).expect("the upstream listens");
        write!(stream, "GET {path} HTTP/1.1\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        BufReader::new(stream)
            .read_line(&mut answer)
            .expect("it answers");
        answer.trim().to_owned()
    }
}

static FETCHES: LazyLock<Mutex<HashMap<String, usize>>> = LazyLock::new(Mutex::default);

pub fn serve(speeds: &[String]) -> ! {
    // What is made at the first request would make that one late.
    for module in [&ZIP_5M, &ZIP_100M] {
        module.zip(&content::version(0));
    }
    let mut addresses = Vec::new();
    for speed in speeds {
        let speed: u64 = speed.parse().expect("a speed");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        addresses.push(listener.local_addr().expect("an address").to_string());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let client = thread::Builder::new().stack_size(256 << 10);
                // The client breaks the connection when it likes to.
                client
                    .spawn(move || answer(stream, speed))
                    .expect("a thread");
            }
        });
    }
    println!("{}", addresses.join(" "));
    loop {
        thread::park();
    }
}

fn answer(mut stream: TcpStream, speed: u64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut requests = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        requests.read_line(&mut line)?;
        let Some(path) = line.split(' ').nth(1) else {
            return Ok(());
        };
        let path = path.trim_start_matches('/').to_owned();
        while requests.read_line(&mut line)? > 2 {}
        if let Some(path) = path.strip_prefix("-/prepare/") {
            let len = content::find(path).map_or(0, |content| content.len());
            return writeln!(stream, "{len}");
        }
        let mut fetches = FETCHES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = path.strip_prefix("-/fetches/") {
            return writeln!(stream, "{}", fetches.get(path).unwrap_or(&0));
        }
        *fetches.entry(path.clone()).or_default() += 1;
        drop(fetches);
        match content::find(&path) {
            Some(content) => send(&mut stream, &content, speed)?,
            None => stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")?,
        }
    }
}

fn send(stream: &mut TcpStream, content: &Content, speed: u64) -> io::Result<()> {
    let pace = Pace::new(speed);
    let mut head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: {}\r\nETag: \"1\"\r\n\r\n",
        content.len()
    )
    .into_bytes();
    let mut sent = 0;
    let first = pace.part(content.head.len() as u64) as usize;
    head.extend(&content.head[..first]);
    stream.write_all(&head)?;
    sent += first as u64;
    for part in content.head[first..].chunks(pace.part(MIB) as usize) {
        pace.wait(sent);
        stream.write_all(part)?;
        sent += part.len() as u64;
    }
    let mut done = 0;
    while done < content.data {
        pace.wait(sent + done);
        let mut offset = done % BLOCK.len() as u64;
        let len = pace.part(MIB).min(content.data - done);
        done += sendfile(&*stream, &*BLOCKS, Some(&mut offset), len as usize)? as u64;
    }
    pace.wait(sent + done);
    stream.write_all(&content.tail)
}

/// A MiB from any place of the block on.
static BLOCKS: LazyLock<File> = LazyLock::new(|| {
    let mut file = File::from(memfd_create("blocks", MemfdFlags::CLOEXEC).expect("memory"));
    for _ in 0..2 + MIB as usize / BLOCK.len() {
        file.write_all(&BLOCK).expect("memory");
    }
    file
});

struct Pace {
    start: Instant,
    speed: u64,
}

impl Pace {
    fn new(speed: u64) -> Self {
        let start = Instant::now();
        Self { start, speed }
    }

    /// How much is sent at once.
    fn part(&self, most: u64) -> u64 {
        match self.speed {
            0 => most,
            speed => most.min((speed / 320).max(4 * KIB)),
        }
    }

    /// Until these bytes were due.
    fn wait(&self, sent: u64) {
        if self.speed > 0 {
            let due = Duration::from_secs_f64(sent as f64 / self.speed as f64);
            thread::sleep(due.saturating_sub(self.start.elapsed()));
        }
    }
}
