//! Clients of large files: a thread each, which reads into memory as a client does that wants them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketType, connect, socket, sockopt};

use crate::content::Content;

/// Of one answer, since it was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub first_byte: Duration,
    pub last_byte: Duration,
}

/// How a client reads.
#[derive(Clone, Copy, Debug)]
pub enum Reading {
    AsFastAsItCan,
    /// Bytes a second, in parts of 64 KiB, with a small buffer in the kernel.
    Paced(u64),
}

#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    reading: Reading,
}

impl Client {
    pub fn connect(address: SocketAddr, reading: Reading) -> Self {
        let stream = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        let mut len = 256 << 10;
        if let Reading::Paced(_) = reading {
            len = 64 << 10;
            sockopt::set_socket_recv_buffer_size(&stream, len).expect("a small buffer");
        }
        connect(&stream, &address).expect("the server listens");
        let stream = TcpStream::from(stream);
        stream.set_nodelay(true).expect("it is TCP");
        let timeout = Some(Duration::from_secs(60));
        stream.set_read_timeout(timeout).expect("a timeout");
        let buffer = vec![0; len];
        Self {
            stream,
            buffer,
            reading,
        }
    }

    /// Reads at another pace than it was made for.
    pub fn pace(&mut self, speed: u64) {
        self.reading = Reading::Paced(speed);
    }

    /// Gets all of it.
    pub fn get(&mut self, path: &str, content: &Content) -> Times {
        self.get_until(path, content, |_| false)
    }

    /// Gets it until that holds for the number of bytes.
    pub fn get_until(
        &mut self,
        path: &str,
        content: &Content,
        mut enough: impl FnMut(u64) -> bool,
    ) -> Times {
        let start = Instant::now();
        self.ask(path);
        let (head, mut len) = self.head(path, content);
        let first_byte = start.elapsed();
        let mut got = 0;
        let mut from = head;
        loop {
            let bytes = &self.buffer[from..len];
            assert!(content.holds(got, bytes), "other bytes of {path} at {got}");
            got += bytes.len() as u64;
            if got == content.len() || enough(got) {
                let last_byte = start.elapsed();
                return Times {
                    first_byte,
                    last_byte,
                };
            }
            if let Reading::Paced(speed) = self.reading {
                let due = first_byte + Duration::from_secs_f64(got as f64 / speed as f64);
                thread::sleep(due.saturating_sub(start.elapsed()));
            }
            from = 0;
            len = self.stream.read(&mut self.buffer).expect("an answer");
            assert!(len > 0, "{path} ends after {got} bytes");
        }
    }

    fn ask(&mut self, path: &str) {
        let request = format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.stream.write_all(request.as_bytes()).expect("a server");
    }

    /// Where the body begins in the buffer, with at least one byte of it, and where it ends.
    fn head(&mut self, path: &str, content: &Content) -> (usize, usize) {
        let mut len = 0;
        loop {
            let read = self
                .stream
                .read(&mut self.buffer[len..])
                .expect("an answer");
            assert!(read > 0, "{path}: the answer ends in its head");
            len += read;
            let head = self.buffer[..len]
                .windows(4)
                .position(|end| end == b"\r\n\r\n");
            let Some(head) = head.map(|at| at + 4).filter(|head| *head < len) else {
                continue;
            };
            let text = String::from_utf8_lossy(&self.buffer[..head]).to_lowercase();
            let length = format!("content-length: {}\r\n", content.len());
            assert!(
                text.starts_with("http/1.1 200 ") && text.contains(&length),
                "{path}: {text}"
            );
            return (head, len);
        }
    }
}

/// Clients that all begin at the same moment; also the time from when the first of them begins until the last one is done.
pub fn at_once<T: Send>(
    count: usize,
    address: SocketAddr,
    reading: Reading,
    run: impl Fn(usize, &mut Client) -> T + Sync,
) -> (Vec<T>, Duration) {
    let barrier = Barrier::new(count + 1);
    // Before there are threads: if it failed in one, the others would wait for ever.
    let clients: Vec<_> = (0..count)
        .map(|_| Client::connect(address, reading))
        .collect();
    thread::scope(|scope| {
        let clients: Vec<_> = clients
            .into_iter()
            .enumerate()
            .map(|(number, mut client)| {
                let (barrier, run) = (&barrier, &run);
                scope.spawn(move || {
                    barrier.wait();
                    let start = Instant::now();
                    let done = run(number, &mut client);
                    (done, start, Instant::now())
                })
            })
            .collect();
        barrier.wait();
        let done = clients.into_iter().map(|client| client.join());
        let done: Vec<_> = done
            .collect::<Result<_, _>>()
            .expect("every client is content");
        let first = done.iter().map(|(_, start, _)| *start).min();
        let last = done.iter().map(|(_, _, end)| *end).max();
        let total = last.zip(first).map(|(last, first)| last - first);
        (
            done.into_iter().map(|(done, _, _)| done).collect(),
            total.unwrap_or_default(),
        )
    })
}
