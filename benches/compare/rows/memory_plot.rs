//! Memory over the number of readers, of everyone.

use super::memory::{Kind, Pace, slow_readers};
use crate::content::ZIP_100M;
use crate::plot::{Axis, Chart, Series};
use crate::process::Cpu;
use crate::report::{Details, Report};
use crate::upstream::Speed;
use crate::world::World;

const READERS: [(usize, &str); 5] = [
    (1, "1 reader"),
    (4, "4 readers"),
    (16, "16"),
    (64, "64"),
    (128, "128"),
];

pub fn measure(world: &World, report: &mut Report) {
    let names = [
        "ours",
        "ours, missing zip",
        "ServeDir",
        "nginx",
        "nginx, missing zip",
    ];
    let mut series = names.map(|name| Series {
        name,
        points: Vec::new(),
    });
    for (readers, _) in READERS {
        let storage = world.folder();
        let peers = [
            (Some(world.ours(Cpu::Any)), Kind::Hit),
            (Some(world.ours_in(&storage, Speed::Unlimited)), Kind::Miss),
            (Some(world.serve_dir(Cpu::Any)), Kind::Hit),
            (world.nginx(Cpu::Any), Kind::Hit),
            (world.nginx_cache(Speed::Unlimited, Cpu::Any), Kind::Miss),
        ];
        for ((peer, kind), series) in peers.into_iter().zip(&mut series) {
            if let Some(peer) = peer {
                let growth = slow_readers(world, peer, &ZIP_100M, kind, readers, Pace::Same);
                series.points.push((readers as f64, growth / 1024.0));
            }
        }
        world.forget(&storage);
    }
    // Behind a slow one the clients of nginx would still wait.
    let title =
        "Growth of memory by slow readers of one 100 MiB zip, unlimited upstream, measured once";
    let installed = series.iter().filter(|series| !series.points.is_empty());
    let rows = installed.map(|series| {
        let mib = series.points.iter().map(|point| format!("{:.1}", point.1));
        [series.name.to_owned()].into_iter().chain(mib).collect()
    });
    report.details(Details {
        title: title.to_owned(),
        heads: ["MiB"]
            .into_iter()
            .chain(READERS.map(|(_, head)| head))
            .collect(),
        rows: rows.collect(),
    });
    report.chart(Chart {
        file: "memory".to_owned(),
        title: title.to_owned(),
        x: Axis::linear("readers of 256 KiB/s each"),
        y: Axis::linear("MiB"),
        series: series.into(),
    });
}
