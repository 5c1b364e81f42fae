//! Hits all over a storage of a thousand to a million files, which the kernel has in memory.

use std::fs;
use std::path::Path;

use super::{Figure, add};
use crate::content::Content;
use crate::load::large::{Client, Reading};
use crate::plot::Axis;
use crate::report::Report;
use crate::stats::median;
use crate::upstream::Speed;
use crate::usage::{Memory, Threads};
use crate::world::World;

const HITS: usize = 20_000;
const VERSIONS: usize = 100;

pub fn measure(world: &World, report: &mut Report) {
    let (mut times, mut processor, mut memory) = (Vec::new(), Vec::new(), Vec::new());
    let storage = world.folder();
    let mut stored = 0;
    for count in [1_000, 10_000, 100_000, 1_000_000] {
        for number in stored..count {
            write(&storage, number);
        }
        stored = count;
        let peer = world.ours_in(&storage, Speed::Unlimited);
        let (before, growth) = (Threads::of(peer.id()), Memory::watch(peer.id()));
        let mut client = Client::connect(peer.address, Reading::AsFastAsItCan);
        let hits = (0..HITS).map(|hit| {
            // A prime step: all over the storage. Of few files, most hits find theirs in memory.
            let number = hit * 611_953 % count;
            let content = Content::small(info(number));
            let time = client.get(&path(number), &content);
            time.last_byte.as_secs_f64() * 1e6
        });
        let hits = median(&hits.collect::<Vec<_>>()).unwrap_or_default();
        times.push((count as f64, hits));
        processor.push((
            count as f64,
            before.used().as_secs_f64() * 1e6 / HITS as f64,
        ));
        memory.push((count as f64, growth.growth() / 1024.0));
    }
    world.forget(&storage);
    let x = "files in the storage";
    let figure = Figure {
        file: "files",
        title: "One hit after the other, all over a storage",
        x,
        y: Axis::linear("microseconds"),
    };
    add(
        report,
        figure,
        vec![("time", times), ("processor", processor)],
    );
    let figure = Figure {
        file: "files-memory",
        title: "Growth of memory by 20,000 hits all over a storage",
        x,
        y: Axis::linear("MiB"),
    };
    add(report, figure, vec![("ours", memory)]);
}

fn path(number: usize) -> String {
    let (module, version) = (number / VERSIONS, number % VERSIONS);
    format!(
        "example.com/team{}/module{module}/@v/v1.{version}.0.info",
        module % 100
    )
}

fn info(number: usize) -> String {
    format!(
        "{{\"Version\":\"v1.{}.0\",\"Time\":\"2026-01-02T03:04:05Z\"}}",
        number % VERSIONS
    )
}

/// Beyond this, files of the same content are links to one file, since a million files take some disks half an hour:
/// then only the tree of names grows on.
const FILES: usize = 100_000;

fn write(storage: &Path, number: usize) {
    let file = storage.join(path(number));
    let first = storage.join(path(number % VERSIONS));
    if number.is_multiple_of(VERSIONS) {
        let folder = file.parent().expect("a folder of versions");
        fs::create_dir_all(folder).expect("room on the disk");
    }
    if number < FILES {
        fs::write(file, info(number)).expect("room on the disk");
    } else {
        fs::hard_link(first, file).expect("room on the disk");
    }
}
