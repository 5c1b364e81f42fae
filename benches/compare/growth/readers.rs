//! Readers of one zip at once, 256 KiB a second each.

use std::time::{Duration, Instant};

use super::{Figure, add};
use crate::content::{self, KIB, MIB, ZIP_100M};
use crate::load::large::{Reading, at_once};
use crate::process::Cpu;
use crate::report::Report;
use crate::rows::memory::{self, Kind};
use crate::upstream::Speed;
use crate::usage::{Memory, processor_of_threads};
use crate::world::World;

/// What each costs: memory in KiB, and milliseconds of the processor for each MiB that it gets.
struct Reader {
    memory: f64,
    processor: f64,
}

pub fn measure(world: &World, report: &mut Report) {
    let kinds = [("stored zip", Kind::Hit), ("running fill", Kind::Miss)];
    let (mut sizes, mut times) = (Vec::new(), Vec::new());
    for (name, kind) in kinds {
        let readers = [1, 10, 100, 1_000].map(|count| (count as f64, one_of(world, kind, count)));
        let memory = readers
            .iter()
            .map(|(count, reader)| (*count, reader.memory));
        sizes.push((name, memory.collect()));
        let processor = readers
            .iter()
            .map(|(count, reader)| (*count, reader.processor));
        times.push((name, processor.collect()));
    }
    let x = "readers at once";
    let memory = Figure {
        file: "readers-memory",
        title: "Memory for each slow reader of one zip",
        x,
        y: "KiB",
    };
    add(report, &memory, sizes);
    let processor = Figure {
        file: "readers-processor",
        title: "Processor time for each MiB that slow readers get",
        x,
        y: "milliseconds",
    };
    add(report, &processor, times);
}

fn one_of(world: &World, kind: Kind, count: usize) -> Reader {
    let storage = world.folder();
    let (peer, path) = match kind {
        Kind::Hit => (world.ours(Cpu::Any), world.stored(&ZIP_100M, "zip")),
        Kind::Miss => (
            world.ours_in(&storage, Speed::Unlimited),
            world.missing(&ZIP_100M),
        ),
    };
    let content = content::find(&path).expect("a zip");
    memory::one_request(world, &peer, kind);
    let (memory, before) = (Memory::watch(peer.id()), processor_of_threads(peer.id()));
    let reading = Reading::Paced(256 * KIB);
    let (bytes, _) = at_once(count, peer.address, reading, |_, client| {
        let (start, mut got) = (Instant::now(), 0);
        client.get_until(&path, &content, |bytes| {
            got = bytes;
            start.elapsed() > Duration::from_secs(4)
        });
        got
    });
    let used = processor_of_threads(peer.id()).saturating_sub(before);
    let mib = bytes.iter().sum::<u64>() as f64 / MIB as f64;
    let growth = memory.growth();
    drop(peer);
    world.forget(&storage);
    Reader {
        memory: growth / count as f64,
        processor: used.as_secs_f64() * 1e3 / mib,
    }
}
