//! What it costs that a zip is checked before it is stored: one of 18,000 deflated files.

use crate::content::{self, MANY_FILES, MIB, Module, ZIP_100M};
use crate::load::large::{Client, Reading};
use crate::peers::Peer;
use crate::report::Report;
use crate::rounds;
use crate::stats::Estimate;
use crate::table::{Bound, Row, Unit};
use crate::upstream::Speed;
use crate::world::World;

pub fn measure(world: &World, report: &mut Report) {
    world.upstream.prepare(&MANY_FILES);
    last_byte(world, report);
    processor(world, report);
}

fn last_byte(world: &World, report: &mut Report) {
    let far = Speed::Far;
    let peers = [Peer::direct(&world.upstream, far), world.ours_empty(far)];
    let found = rounds::run(world.rounds, &peers, |peer| {
        let path = world.missing(&MANY_FILES);
        let content = content::find(&path).expect("a zip");
        let mut client = Client::connect(peer.address, Reading::AsFastAsItCan);
        let times = client.get(&path, &content);
        peer.tidy(&path);
        times.last_byte.as_secs_f64() * 1e3
    });
    let of = |peer| found.of(peer, |time| *time);
    report.row(Row {
        case: "cold zip of 18,000 files, upstream of 20 MiB/s".to_owned(),
        measure: "last byte, once checked, later than direct".to_owned(),
        bound: Bound::AtMost {
            must: 60.0,
            goal: 10.0,
        },
        unit: Unit::Milliseconds,
        found: Estimate::difference(&of("ours"), &of("direct")),
    });
}

/// The copy itself is the same for a zip of one stored file, which has next to nothing to check.
fn processor(world: &World, report: &mut Report) {
    let peer = world.ours_empty(Speed::Unlimited);
    let rounds = 0..world.rounds;
    let both = rounds.map(|_| {
        (
            fill(world, &peer, &MANY_FILES),
            fill(world, &peer, &ZIP_100M),
        )
    });
    let (many, one): (Vec<_>, Vec<_>) = both.unzip();
    report.row(Row {
        case: "cold zip of 18,000 files".to_owned(),
        measure: "processor for the check, per MiB".to_owned(),
        bound: Bound::AtMost {
            must: 1.0,
            goal: 0.5,
        },
        unit: Unit::Milliseconds,
        found: Estimate::difference(&many, &one),
    });
}

/// Processor time of fills, in milliseconds per MiB.
fn fill(world: &World, peer: &Peer, module: &Module) -> f64 {
    let before = peer.processor();
    let mut bytes = 0;
    // Some of them, since the processor is counted in ticks.
    while bytes < 200 * MIB {
        let path = world.missing(module);
        let content = content::find(&path).expect("a zip");
        Client::connect(peer.address, Reading::AsFastAsItCan).get(&path, &content);
        peer.tidy(&path);
        bytes += content.len();
    }
    let used = peer.processor() - before;
    used.as_secs_f64() * 1e3 / (bytes as f64 / MIB as f64)
}
