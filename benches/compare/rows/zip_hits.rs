//! Stored zips, read as fast as they come.

use crate::content::{self, MIB, Module, ZIP_5M, ZIP_100K, ZIP_100M};
use crate::load::large::{Reading, at_once};
use crate::process::Place;
use crate::report::{Details, Report};
use crate::roles::pin;
use crate::rounds;
use crate::stats::Estimate;
use crate::table::{Bound, Row, Unit};
use crate::upstream::Speed;
use crate::world::World;

#[derive(Clone, Copy, Debug)]
pub struct Case {
    title: &'static str,
    module: &'static Module,
    connections: usize,
    /// On each connection, in each round.
    requests: usize,
    /// Of each that others have.
    rounds: usize,
    place: Place,
    /// Whether varnish and `ServeDir` are compared too, which have no row and take long for many MiB.
    all: bool,
    /// MiB/s in relation to nginx with sendfile: must and goal.
    sendfile: Option<(f64, f64)>,
}

/// Of these the short run measures only this one.
pub const FOR_SHORT: Case = Case {
    title: "5 MiB hit, 8 connections",
    module: &ZIP_5M,
    connections: 8,
    requests: 50,
    rounds: 2,
    place: Place::Anywhere,
    all: false,
    sendfile: Some((0.60, 0.75)),
};

pub static CASES: [Case; 5] = [
    Case {
        title: "100 MiB hit, 1 connection",
        module: &ZIP_100M,
        connections: 1,
        requests: 4,
        rounds: 16,
        place: Place::Anywhere,
        all: false,
        sendfile: Some((0.60, 0.75)),
    },
    // One thread against one: the row above says above all how well a machine wakes a core.
    Case {
        title: "100 MiB hit, 1 connection",
        module: &ZIP_100M,
        connections: 1,
        requests: 4,
        rounds: 16,
        place: Place::OneCore,
        all: false,
        sendfile: None,
    },
    Case {
        all: true,
        ..FOR_SHORT
    },
    Case {
        title: "100 MiB hit, 64 connections",
        module: &ZIP_100M,
        connections: 64,
        requests: 1,
        rounds: 2,
        place: Place::Anywhere,
        all: false,
        sendfile: Some((0.60, 0.75)),
    },
    Case {
        title: "100 KiB hit, 16 connections",
        module: &ZIP_100K,
        connections: 16,
        requests: 1_500,
        rounds: 2,
        place: Place::Anywhere,
        all: true,
        sendfile: None,
    },
];

struct Sample {
    mib_per_second: f64,
    /// Of the server, in seconds.
    processor_per_gib: f64,
    /// Of all clients, in milliseconds.
    slowest_first_byte: f64,
}

pub fn measure(world: &World, case: &Case, report: &mut Report) {
    let path = world.stored(case.module, "zip");
    let content = content::find(&path).expect("it is stored");
    let cpu = case.place.of_server();
    let mut peers = vec![world.ours(cpu)];
    peers.extend(world.nginx(cpu));
    peers.extend(world.nginx_without_sendfile(cpu));
    if case.all {
        peers.extend(world.varnish(Speed::Unlimited, cpu));
        peers.push(world.serve_dir(cpu));
    }
    // They are short, and vary more than others: those of one connection by where its two ends happen to run.
    let found = rounds::run(case.rounds * world.rounds + 1, &peers, |peer| {
        // As for the cold ones. The file is in the kernel's memory.
        world.touch_memory(0, case.connections);
        let before = peer.processor();
        let (times, total) = at_once(
            case.connections,
            peer.address,
            Reading::AsFastAsItCan,
            |_, client| {
                if let Some(cpu) = case.place.of_load() {
                    pin(cpu);
                }
                let times = (0..case.requests).map(|_| client.get(&path, &content));
                times
                    .map(|times| times.first_byte)
                    .max()
                    .unwrap_or_default()
            },
        );
        let processor = (peer.processor() - before).as_secs_f64();
        let bytes = content.len() * (case.connections * case.requests) as u64;
        let mib = bytes as f64 / MIB as f64;
        Sample {
            mib_per_second: mib / total.as_secs_f64(),
            processor_per_gib: processor / (mib / 1024.0),
            slowest_first_byte: millis(times.into_iter().max().unwrap_or_default()),
        }
    })
    .without_first();

    let rows = found.peers().map(|(name, samples)| {
        let of = |figure: fn(&Sample) -> f64| {
            Estimate::of(&samples.iter().map(figure).collect::<Vec<_>>()).expect("a round")
        };
        let speed = of(|sample| sample.mib_per_second);
        vec![
            name.to_owned(),
            format!(
                "{:.0} ({:.0} to {:.0})",
                speed.median, speed.least, speed.most
            ),
            format!("{:.3}", of(|sample| sample.processor_per_gib).median),
            format!("{:.1}", of(|sample| sample.slowest_first_byte).median),
        ]
    });
    let title = format!("{}, {}", case.title, case.place.label());
    report.details(Details {
        title: title.clone(),
        heads: vec!["", "MiB/s", "processor, s/GiB", "slowest first byte, ms"],
        rows: rows.collect(),
    });

    let row = |measure: &str, bound, unit, found| Row {
        case: title.clone(),
        measure: measure.to_owned(),
        bound,
        unit,
        found,
    };
    let speed = |peer| found.of(peer, |sample: &Sample| sample.mib_per_second);
    if let Some((must, goal)) = case.sendfile {
        report.row(row(
            "MiB/s, ratio to nginx with sendfile",
            Bound::AtLeast { must, goal },
            Unit::Ratio,
            Estimate::ratio(&speed("ours"), &speed("nginx")),
        ));
    }
    report.row(row(
        "MiB/s, ratio to nginx with sendfile off",
        Bound::AtLeast {
            must: 0.75,
            goal: 1.0,
        },
        Unit::Ratio,
        Estimate::ratio(&speed("ours"), &speed("nginx, sendfile off")),
    ));
    let processor = |peer| found.of(peer, |sample: &Sample| sample.processor_per_gib);
    report.row(row(
        "processor per GiB, ratio to nginx with sendfile",
        Bound::AtMost {
            must: 4.0,
            goal: 2.5,
        },
        Unit::Ratio,
        Estimate::ratio(&processor("ours"), &processor("nginx")),
    ));
    if case.connections == 64 {
        let first = found.of("ours", |sample| sample.slowest_first_byte);
        report.row(row(
            "slowest first byte",
            Bound::AtMost {
                must: 80.0,
                goal: 25.0,
            },
            Unit::Milliseconds,
            Estimate::of(&first),
        ));
    }
}

fn millis(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
