//! Resident memory at its peak, in a process that has answered one request before, so that what a
//! first request takes once and for all does not count as the readers'.

use std::time::{Duration, Instant};

use crate::content::{self, KIB, MIB, Module, ZIP_5M, ZIP_100K};
use crate::load::large::{Client, Reading, at_once};
use crate::peers::Peer;
use crate::process::Cpu;
use crate::upstream::Speed;
use crate::usage::{Memory, Threads};
use crate::world::World;

pub const READERS: usize = 64;

/// Whether the zip is stored before the readers come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Hit,
    Miss,
}

impl Kind {
    fn path(self, world: &World, module: &Module) -> String {
        match self {
            Self::Hit => world.stored(module, "zip"),
            Self::Miss => {
                world.upstream.prepare(module);
                world.missing(module)
            }
        }
    }
}

/// How far readers of one zip are apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// All read 256 KiB/s, and stay together. After three seconds no zip is through, as the kernel has 4 MiB of it for
    /// each of them.
    Same,
    /// From 0.5 to 8.4 MiB/s: after three seconds each is somewhere else, three of its queues from the next one.
    Different,
}

/// Growth by slow readers of one zip, in KiB. The peer is new, and ends here.
pub fn slow_readers(
    world: &World,
    peer: Peer,
    module: &Module,
    kind: Kind,
    readers: usize,
    pace: Pace,
) -> f64 {
    one_request(world, &peer, kind, &ZIP_5M);
    let path = kind.path(world, module);
    let content = content::find(&path).expect("a zip");
    let memory = Memory::watch(peer.id());
    let reading = Reading::Paced(256 * KIB);
    at_once(readers, peer.address, reading, |number, client| {
        if pace == Pace::Different {
            client.pace(MIB / 2 + MIB / 8 * number as u64);
        }
        let start = Instant::now();
        client.get_until(&path, &content, |_| {
            start.elapsed() > Duration::from_secs(3)
        })
    });
    if kind == Kind::Miss {
        // The readers have left, but the fill goes on to its end.
        peer.tidy(&path);
        assert_eq!(world.upstream.fetches(&path), 1, "one miss is one fetch");
    }
    memory.growth()
}

/// What a process takes once and for all, it takes now.
pub fn one_request(world: &World, peer: &Peer, kind: Kind, module: &Module) {
    let path = kind.path(world, module);
    let content = content::find(&path).expect("a zip");
    Client::connect(peer.address, Reading::AsFastAsItCan).get(&path, &content);
    if kind == Kind::Miss {
        peer.tidy(&path);
    }
}

/// Growth of ours by 64 of them, of a stored zip or one from an upstream of 20 MiB/s.
pub fn ours(world: &World, module: &Module, kind: Kind, pace: Pace) -> f64 {
    if kind == Kind::Hit {
        return slow_readers(world, world.ours(Cpu::Any), module, kind, READERS, pace);
    }
    let storage = world.folder();
    let peer = world.ours_in(&storage, Speed::Far);
    let growth = slow_readers(world, peer, module, kind, READERS, pace);
    world.forget(&storage);
    growth
}

/// What as many fills at once cost, each with one reader: memory in KiB, and processor time.
pub fn fills(world: &World, peer: &Peer, module: &Module, count: usize) -> (f64, Duration) {
    let paths: Vec<_> = (0..count).map(|_| world.missing(module)).collect();
    one_request(world, peer, Kind::Miss, &ZIP_100K);
    let (memory, before) = (Memory::watch(peer.id()), Threads::of(peer.id()));
    let reading = Reading::AsFastAsItCan;
    at_once(count, peer.address, reading, |number, client| {
        let content = content::find(&paths[number]).expect("a zip");
        client.get(&paths[number], &content)
    });
    for path in &paths {
        assert_eq!(world.upstream.fetches(path), 1, "one miss is one fetch");
        // To store the file is part of the work.
        peer.tidy(path);
    }
    (memory.growth(), before.used())
}
