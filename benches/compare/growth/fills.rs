//! Fills of 100 KiB at once, over 3 seconds, one reader each.

use super::{Figure, add};
use crate::content::ZIP_100K;
use crate::plot::Axis;
use crate::report::Report;
use crate::rows::memory;
use crate::upstream::Speed;
use crate::world::World;

pub fn measure(world: &World, report: &mut Report) {
    let (mut sizes, mut times) = (Vec::new(), Vec::new());
    for count in [1, 10, 100, 1_000] {
        let storage = world.folder();
        let peer = world.ours_with_places(&storage, Speed::Trickle, count);
        let (growth, used) = memory::fills(world, &peer, &ZIP_100K, count);
        sizes.push((count as f64, growth / count as f64));
        times.push((count as f64, used.as_secs_f64() * 1e3 / count as f64));
        drop(peer);
        world.forget(&storage);
    }
    let x = "fills at once";
    let memory = Figure {
        file: "fills-memory",
        title: "Memory for each fill and its reader",
        x,
        y: Axis::linear("KiB"),
    };
    add(report, memory, vec![("ours", sizes)]);
    let processor = Figure {
        file: "fills-processor",
        title: "Processor time for each fill of 100 KiB and its reader",
        x,
        y: Axis::linear("milliseconds"),
    };
    add(report, processor, vec![("ours", times)]);
}
