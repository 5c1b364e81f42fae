//! What stays in memory of modules that were asked for once.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::{Figure, add};
use crate::content::{self, SEEN_ONCE, ZIP_100K};
use crate::load::large::{Client, Reading};
use crate::peers::Peer;
use crate::plot::Axis;
use crate::report::Report;
use crate::rows::memory::{Kind, one_request};
use crate::upstream::Speed;
use crate::usage::Memory;
use crate::world::World;

/// How often it is looked whether the upstream was asked, and waited until what it gave is stored: a storage that falls far
/// behind lets files go.
const LOOK_AT_EACH: usize = 100;
const COUNTS: [usize; 3] = [1_000, 10_000, 100_000];

pub fn measure(world: &World, report: &mut Report) {
    let figure = Figure {
        file: "modules-memory",
        title: "Growth of memory by modules that were asked for once",
        x: "modules",
        y: Axis::linear("MiB"),
    };
    let missing = grown(world, |address| {
        let stream = TcpStream::connect(address).expect("it listens");
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).expect("a timeout");
        let mut stream = BufReader::new(stream);
        move |_, number| {
            let path = format!("example.com/nowhere{number}/@v/v1.0.0.info");
            assert_not_found(&mut stream, &path);
            if (number + 1).is_multiple_of(LOOK_AT_EACH) {
                assert_eq!(world.upstream.fetches(&path), 1, "only it knows");
            }
        }
    });
    let filled = grown(world, |address| {
        let mut client = Client::connect(address, Reading::AsFastAsItCan);
        move |peer, number| {
            let path = format!("{SEEN_ONCE}{number}/@v/v1.0.0.mod");
            let content = content::find(&path).expect("the upstream has it");
            client.get(&path, &content);
            if (number + 1).is_multiple_of(LOOK_AT_EACH) {
                peer.wait_until_stored(&path);
            }
        }
    });
    let series = vec![("not found", missing), ("fetched and stored", filled)];
    add(report, figure, series);
}

/// Of one server, by more and more of them.
fn grown<F: FnMut(&Peer, usize)>(
    world: &World,
    ask: impl FnOnce(SocketAddr) -> F,
) -> Vec<(f64, f64)> {
    let storage = world.folder();
    let peer = world.ours_in(&storage, Speed::Unlimited);
    one_request(world, &peer, Kind::Miss, &ZIP_100K);
    let memory = Memory::watch(peer.id());
    let mut ask = ask(peer.address);
    let mut asked = 0;
    let growth = COUNTS.map(|count| {
        (asked..count).for_each(|number| ask(&peer, number));
        asked = count;
        (count as f64, memory.growth() / 1024.0)
    });
    drop(peer);
    world.forget(&storage);
    growth.into()
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
