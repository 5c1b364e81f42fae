//! Readers of one stored zip at once, 256 KiB a second each.

use std::time::{Duration, Instant};

use super::{Figure, add};
use crate::content::{self, KIB, MIB, ZIP_100M};
use crate::load::large::{Reading, at_once};
use crate::process::Cpu;
use crate::report::Report;
use crate::rows::memory::{self, Kind};
use crate::usage::{Memory, processor_of_threads};
use crate::world::World;

pub fn measure(world: &World, report: &mut Report) {
    let path = world.stored(&ZIP_100M, "zip");
    let content = content::find(&path).expect("a zip");
    let (mut sizes, mut times) = (Vec::new(), Vec::new());
    for count in [1, 10, 100, 1_000] {
        let peer = world.ours(Cpu::Any);
        memory::one_request(world, &peer, Kind::Hit);
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
        sizes.push((count as f64, memory.growth() / count as f64));
        times.push((count as f64, used.as_secs_f64() * 1e3 / mib));
    }
    let x = "readers at once";
    let memory = Figure {
        file: "readers-memory",
        title: "Memory for each slow reader of one stored zip",
        x,
        y: "KiB",
    };
    add(report, &memory, vec![("ours", sizes)]);
    let processor = Figure {
        file: "readers-processor",
        title: "Processor time for each MiB that slow readers get",
        x,
        y: "milliseconds",
    };
    add(report, &processor, vec![("ours", times)]);
}
