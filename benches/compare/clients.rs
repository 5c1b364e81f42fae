//! The clients: an event loop with small reads (`wrk`), processes (`curl`), and a thread a connection with large reads.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};
use sha2::{Digest, Sha256};

use crate::process::{client, find};
use crate::world::{MIB, Target};

#[derive(Clone, Copy, Debug)]
pub enum Client {
    Wrk,
    Curl,
    Threads,
}

use Client::{Curl, Threads, Wrk};

impl Client {
    pub const ALL: [(&str, Self); 3] = [("wrk", Wrk), ("curl", Curl), ("threads", Threads)];

    /// Each of `clients` requests a file once, all at the same time. Returns the seconds until the slowest first byte (NaN
    /// for `wrk`, which does not report it) and until the last byte of the last client.
    pub fn burst(self, at: SocketAddr, target: &Target, clients: usize) -> Result<[f64; 2]> {
        let url = format!("http://{at}{}", target.path);
        match self {
            Wrk => {
                let [_, longest, _, requests] = wrk(&url, clients, 60, &format!("once {clients}"))?;
                let all = requests as usize == clients;
                ensure!(all, "{url}: only {requests} have got it");
                Ok([f64::NAN, longest / 1e6])
            }
            Curl => curl(&url, target.len, clients, 1),
            Threads => threads(at, &vec![target; clients], ONCE),
        }
    }

    /// MiB/s while each connection requests a file again and again.
    pub fn rate(self, at: SocketAddr, target: &Target, connections: usize) -> Result<f64> {
        let url = format!("http://{at}{}", target.path);
        let (bytes, seconds) = match self {
            Wrk => {
                let [seconds, _, bytes, _] = wrk(&url, connections, 1, "again")?;
                (bytes, seconds)
            }
            Curl => {
                // Few processes get about a GiB together, many get a file each.
                let times = (1024 * MIB).div_ceil(target.len * connections as u64);
                let [_, seconds] = curl(&url, target.len, connections, times)?;
                ((target.len * times * connections as u64) as f64, seconds)
            }
            Threads => {
                let found = at_once(at, &vec![target; connections], FOR_A_TIME)?;
                let rates = found.iter().map(|[_, seconds, bytes]| bytes / seconds);
                (rates.sum(), 1.0)
            }
        };
        Ok(bytes / seconds / MIB as f64)
    }
}

/// Requests a second of `wrk`, in one of the modes of its script.
pub fn load(at: SocketAddr, path: &str, connections: usize, mode: &str) -> Result<f64> {
    let [seconds, .., requests] = wrk(&format!("http://{at}{path}"), connections, 1, mode)?;
    Ok(requests / seconds)
}

/// Seconds, longest request in microseconds, bytes, requests.
fn wrk(url: &str, connections: usize, seconds: u8, mode: &str) -> Result<[f64; 4]> {
    let threads = connections.min(if mode == "again" { 2 } else { 1 });
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/compare/wrk.lua");
    let options = format!("-t{threads} -c{connections} -d{seconds}s --timeout 60s -s");
    let mut command = client(&find("wrk")?);
    command.args(options.split(' ')).args([script, url, "--"]);
    let output = command.args(mode.split(' ')).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
    let line = line.with_context(|| format!("wrk says nothing of {url}: {output:?}"))?;
    let numbers = line.split(' ').map(str::parse);
    let numbers = numbers.collect::<Result<Vec<f64>, _>>()?;
    let fine = numbers[2] > 0.0 && numbers[4] == 0.0;
    ensure!(fine, "wrk, {mode}, {url}: {text}");
    Ok([numbers[0] / 1e6, numbers[1], numbers[2], numbers[3]])
}

/// Each process requests a file `times` times.
fn curl(url: &str, len: u64, processes: usize, times: u64) -> Result<[f64; 2]> {
    let mut command = client(&find("curl")?);
    command.args(["--silent", "--show-error", "--fail", "--max-time", "300"]);
    command.args(["--write-out", "%{size_download} %{time_starttransfer}\n"]);
    for _ in 0..times {
        command.args(["--output", "/dev/null", url]);
    }
    command.stdout(Stdio::piped());
    let start = Instant::now();
    let children = (0..processes).map(|_| command.spawn());
    let (mut slowest, mut got) = (0.0_f64, 0);
    for child in children.collect::<Result<Vec<_>, _>>()? {
        let output = child.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let whole = format!("{len} ");
        for first in text.lines().filter_map(|line| line.strip_prefix(&whole)) {
            slowest = slowest.max(first.parse()?);
            got += 1;
        }
    }
    let all = processes as u64 * times;
    ensure!(got == all, "curl has got {got} of {all}: {url}");
    Ok([slowest, start.elapsed().as_secs_f64()])
}

/// How a thread reads: at most this many bytes a second from its first byte on, and again and again for this many
/// seconds. It then stops, even in the middle of a file. With infinite seconds it reads one whole file.
#[derive(Clone, Copy, Debug)]
pub struct How(pub f64, pub f64);

pub const ONCE: How = How(f64::INFINITY, f64::INFINITY);
const FOR_A_TIME: How = How(f64::INFINITY, 0.6);

/// One thread for each target. The first one compares the hash.
pub fn threads(at: SocketAddr, targets: &[&Target], how: How) -> Result<[f64; 2]> {
    let found = at_once(at, targets, how)?;
    let slowest = |which: usize| found.iter().map(|times| times[which]).fold(0.0, f64::max);
    Ok([slowest(0), slowest(1)])
}

/// One request whose response is compared with the file.
pub fn get(at: SocketAddr, target: &Target) -> Result<()> {
    threads(at, &[target], ONCE).map(|_| ())
}

fn at_once(at: SocketAddr, targets: &[&Target], how: How) -> Result<Vec<[f64; 3]>> {
    let connections = targets.iter().map(|_| Connection::open(at, how));
    let connections = connections.collect::<Result<Vec<_>>>()?;
    let barrier = Barrier::new(targets.len());
    thread::scope(|scope| {
        let mut threads = Vec::new();
        for (number, mut connection) in connections.into_iter().enumerate() {
            let (barrier, target) = (&barrier, targets[number]);
            threads.push(scope.spawn(move || {
                barrier.wait();
                connection.get(target, how, number == 0)
            }));
        }
        let panicked = |_| Err(anyhow!("a client has panicked"));
        let done = threads.into_iter().map(|thread| thread.join());
        done.map(|done| done.unwrap_or_else(panicked)).collect()
    })
}

/// The buffer of a slow reader.
const SMALL: usize = 64 << 10;

/// Reads in pieces of 256 KiB. A slow reader has small buffers, also in the kernel.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    pub fn open(at: SocketAddr, How(rate, _): How) -> Result<Self> {
        let stream = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        let slow = rate < MIB as f64;
        if slow {
            sockopt::set_socket_recv_buffer_size(&stream, SMALL)?;
        }
        connect(&stream, &at)?;
        let stream = TcpStream::from(stream);
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        let buffer = if slow { SMALL } else { 4 * SMALL };
        Ok(Self(BufReader::with_capacity(buffer, stream)))
    }

    /// Returns the seconds until the first and the last byte, and the bytes. `check` compares the hash of a whole file.
    pub fn get(&mut self, target: &Target, how: How, check: bool) -> Result<[f64; 3]> {
        let How(rate, seconds) = how;
        let (start, mut first, mut got) = (Instant::now(), None, 0);
        let mut sha256 = Sha256::new();
        let once = seconds.is_infinite();
        let over = || start.elapsed().as_secs_f64() > seconds;
        while got == 0 || !(once || over()) {
            let mut left = self.request(target)?;
            while left > 0 && !over() {
                let piece = self.0.fill_buf()?;
                ensure!(!piece.is_empty(), "{} ends too early", target.path);
                let len = piece.len() as u64;
                let first = *first.get_or_insert_with(|| start.elapsed());
                if check && once {
                    sha256.update(piece);
                }
                self.0.consume(len as usize);
                left = left.checked_sub(len).context("a body is too long")?;
                got += len;
                let due = first + Duration::from_secs_f64(got as f64 / rate);
                thread::sleep(due.saturating_sub(start.elapsed()));
            }
        }
        let last = start.elapsed().as_secs_f64();
        let same = sha256.finalize()[..] == target.sha256;
        ensure!(same || !check || !once, "{} is wrong", target.path);
        Ok([first.unwrap_or_default().as_secs_f64(), last, got as f64])
    }

    /// Sends the request and reads the head. Fails unless it has status 200 and the length of the file.
    fn request(&mut self, target: &Target) -> Result<u64> {
        let path = &target.path;
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.0.get_mut().write_all(request.as_bytes())?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            ensure!(self.0.read_line(&mut head)? > 0, "{path} ends in its head");
        }
        let length = format!("\r\ncontent-length: {}\r\n", target.len);
        let right = head.to_lowercase().contains(&length);
        ensure!(right && head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        Ok(target.len)
    }
}
