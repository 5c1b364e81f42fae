//! Clients of small files: one thread asks on many connections as fast as the server answers.

use std::io::{Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};

use crate::roles::pin;

#[derive(Clone, Copy, Debug)]
pub struct Load<'a> {
    pub address: SocketAddr,
    pub path: &'a str,
    pub expected: &'a [u8],
    pub connections: usize,
    pub time: Duration,
    /// The processor for a single thread of load; else there are two threads, which run anywhere.
    pub cpu: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub struct Requests {
    pub count: usize,
    pub per_second: f64,
}

impl Load<'_> {
    pub fn run(self) -> Requests {
        let threads = if self.cpu.is_some() { 1 } else { 2 };
        let start = Instant::now();
        let count = thread::scope(|scope| {
            let threads: Vec<_> = (0..threads)
                .map(|_| scope.spawn(move || self.on_one_thread(self.connections / threads)))
                .collect();
            let counts = threads.into_iter().map(|thread| thread.join());
            counts
                .map(|count| count.expect("every client is content"))
                .sum()
        });
        Requests {
            count,
            per_second: count as f64 / start.elapsed().as_secs_f64(),
        }
    }

    fn on_one_thread(self, connections: usize) -> usize {
        if let Some(cpu) = self.cpu {
            pin(cpu);
        }
        let request = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", self.path);
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an epoll");
        let mut clients: Vec<_> = (0..connections)
            .map(|number| {
                let stream = TcpStream::connect(self.address).expect("the server listens");
                stream.set_nodelay(true).expect("it is TCP");
                let data = epoll::EventData::new_u64(number as u64);
                epoll::add(&epoll, &stream, data, epoll::EventFlags::IN).expect("a socket");
                Client::new(stream)
            })
            .collect();
        for client in &mut clients {
            client.ask(&request);
        }
        let mut count = 0;
        let mut under_way = connections;
        let end = Instant::now() + self.time;
        let mut events = [const { MaybeUninit::uninit() }; 64];
        let patience = Timespec {
            tv_sec: 10,
            tv_nsec: 0,
        };
        while under_way > 0 {
            let (ready, _) = epoll::wait(&epoll, &mut events, Some(&patience)).expect("events");
            assert!(
                !ready.is_empty(),
                "an answer does not end, or has other bytes"
            );
            let over = Instant::now() >= end;
            for event in ready {
                let client = &mut clients[event.data.u64() as usize];
                if !client.has_answer(self.expected) {
                    continue;
                }
                count += 1;
                if over {
                    under_way -= 1;
                } else {
                    client.ask(&request);
                }
            }
        }
        count
    }
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    len: usize,
}

impl Client {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            buffer: vec![0; 16 << 10],
            len: 0,
        }
    }

    fn ask(&mut self, request: &str) {
        self.len = 0;
        self.stream.write_all(request.as_bytes()).expect("a server");
    }

    /// Reads what is there: whether that completes an answer with just these bytes.
    fn has_answer(&mut self, expected: &[u8]) -> bool {
        let read = self
            .stream
            .read(&mut self.buffer[self.len..])
            .expect("an answer");
        assert!(read > 0, "the server closes a connection");
        self.len += read;
        let answer = &self.buffer[..self.len];
        answer.starts_with(b"HTTP/1.1 200 ")
            && answer.ends_with(expected)
            && answer[..answer.len() - expected.len()].ends_with(b"\r\n\r\n")
    }
}
