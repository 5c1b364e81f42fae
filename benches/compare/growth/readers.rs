//! Readers of one zip at once, 256 KiB a second each.
//!
//! The kernel takes 4 MiB for a connection before its reader has one, and that memory costs a virtual machine more
//! than the bytes in it. So the processor's time is that from when these buffers are full.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::{Figure, add};
use crate::content::{self, KIB, MIB, ZIP_5M, ZIP_500M};
use crate::load::large::{Reading, at_once};
use crate::plot::Axis;
use crate::process::Cpu;
use crate::report::Report;
use crate::rows::memory::{self, Kind};
use crate::upstream::Speed;
use crate::usage::{Memory, Threads};
use crate::world::World;

const UNTIL_BUFFERS_ARE_FULL: Duration = Duration::from_secs(5);
const MEASURED: Duration = Duration::from_secs(10);

/// What each costs: memory in KiB, and milliseconds of the processor for each MiB that it gets.
struct Reader {
    memory: f64,
    processor: f64,
}

pub fn measure(world: &World, report: &mut Report) {
    let kinds = [
        ("stored zip", Kind::Hit),
        ("running fill, with it", Kind::Miss),
    ];
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
        y: Axis::linear("KiB"),
    };
    add(report, memory, sizes);
    let processor = Figure {
        file: "readers-processor",
        title: "Processor time for each MiB that slow readers get",
        x,
        y: Axis::log("milliseconds"),
    };
    add(report, processor, times);
}

fn one_of(world: &World, kind: Kind, count: usize) -> Reader {
    let storage = world.folder();
    let (peer, path) = match kind {
        Kind::Hit => (world.ours(Cpu::Any), world.stored(&ZIP_500M, "zip")),
        // Slow enough to go on for all that time.
        Kind::Miss => (
            world.ours_in(&storage, Speed::Far),
            world.missing(&ZIP_500M),
        ),
    };
    let content = content::find(&path).expect("a zip");
    memory::one_request(world, &peer, kind, &ZIP_5M);
    let memory = Memory::watch(peer.id());
    let used = Mutex::new(Duration::ZERO);
    let (bytes, _) = at_once(
        count,
        peer.address,
        Reading::Paced(256 * KIB),
        |number, client| {
            let (start, mut at_first, mut got) = (Instant::now(), None, 0);
            // What the first of them sees of the processor is that of all.
            let threads = || (number == 0).then(|| Threads::of(peer.id()));
            client.get_until(&path, &content, |bytes| {
                got = bytes;
                if at_first.is_none() && start.elapsed() > UNTIL_BUFFERS_ARE_FULL {
                    at_first = Some((bytes, threads()));
                }
                start.elapsed() > UNTIL_BUFFERS_ARE_FULL + MEASURED
            });
            let (bytes_before, before) = at_first.expect("it is not that short");
            if let Some(before) = before {
                *used.lock().expect("no client panics with it") = before.used();
            }
            got - bytes_before
        },
    );
    let used = used.into_inner().expect("no client panics with it");
    let mib = bytes.iter().sum::<u64>() as f64 / MIB as f64;
    let growth = memory.growth();
    drop(peer);
    world.forget(&storage);
    Reader {
        memory: growth / count as f64,
        processor: used.as_secs_f64() * 1e3 / mib,
    }
}
