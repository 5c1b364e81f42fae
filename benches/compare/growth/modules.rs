//! What stays in memory of modules that were asked for once.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::{Figure, add};
use crate::content::{self, ZIP_100K};
use crate::load::large::{Client, Reading};
use crate::peers::Peer;
use crate::plot::Axis;
use crate::report::Report;
use crate::rows::memory::{Kind, one_request};
use crate::upstream::Speed;
use crate::usage::Memory;
use crate::world::World;

const COUNTS: [usize; 3] = [1_000, 10_000, 100_000];

pub fn measure(world: &World, report: &mut Report) {
    let figure = Figure {
        file: "modules-memory",
        title: "Growth of memory by files that were asked for once, each of another module or version",
        x: "files",
        y: Axis::linear("MiB"),
    };
    let missing = grown(world, |peer| {
        let mut stream = BufReader::new(TcpStream::connect(peer.address).expect("it listens"));
        move |number| assert_not_found(&mut stream, &nowhere(number))
    });
    let filled = grown(world, |peer| {
        let mut client = Client::connect(peer.address, Reading::AsFastAsItCan);
        move |_| {
            let path = content::path(&ZIP_100K, world.next(), "mod");
            let content = content::find(&path).expect("the upstream has it");
            client.get(&path, &content);
        }
    });
    let series = vec![("not found", missing), ("fetched and stored", filled)];
    add(report, figure, series);
}

/// Of one server, by more and more of them.
fn grown<F: FnMut(usize)>(world: &World, ask: impl FnOnce(&Peer) -> F) -> Vec<(f64, f64)> {
    let storage = world.folder();
    let peer = world.ours_in(&storage, Speed::Unlimited);
    one_request(world, &peer, Kind::Miss, &ZIP_100K);
    let memory = Memory::watch(peer.id());
    let mut ask = ask(&peer);
    let mut asked = 0;
    let growth = COUNTS.map(|count| {
        (asked..count).for_each(&mut ask);
        asked = count;
        (count as f64, memory.growth() / 1024.0)
    });
    drop(peer);
    world.forget(&storage);
    growth.into()
}

/// A path that the upstream does not know.
fn nowhere(number: usize) -> String {
    format!("example.com/nowhere{number}/@v/v1.0.0.info")
}

fn assert_not_found(stream: &mut BufReader<TcpStream>, path: &str) {
    let request = format!("GET /{path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream
        .get_mut()
        .write_all(request.as_bytes())
        .expect("a server");
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let read = stream.read_line(&mut head).expect("an answer");
        assert!(read > 0, "{path}: the answer ends in its head");
    }
    let head = head.to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = length.and_then(|length| length.parse().ok());
    assert!(
        head.starts_with("http/1.1 404 ") && length.is_some(),
        "{path}: {head}"
    );
    let mut body = vec![0; length.unwrap_or_default()];
    stream.read_exact(&mut body).expect("the body");
}
