//! What memory has to stay below.

use super::memory::{Kind, Pace, READERS, fills, ours};
use crate::content::{Module, ZIP_5M, ZIP_100M, ZIP_500M};
use crate::report::{Details, Report};
use crate::stats::Estimate;
use crate::table::{Bound, Row, Unit};
use crate::upstream::Speed;
use crate::world::World;

const FILLS: usize = 64;
const FAST_FILLS: usize = 16;

/// Slow enough that the fill of a small zip too is under way when its readers have the most to wait for.
const COLD: &str = "cold, upstream of 20 MiB/s";

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sizes {
    All,
    Usual,
}

pub fn slow_readers(world: &World, sizes: Sizes, report: &mut Report) {
    let rounds = world.rounds;
    let mut details = Vec::new();
    for (kind, label) in [(Kind::Hit, "hit"), (Kind::Miss, COLD)] {
        let grown = |module| ours(world, module, kind, Pace::Same);
        let case = |size: &str| format!("{READERS} slow readers of one {size} MiB zip, {label}");
        // How far apart the kernel lets the readers be varies, and with that what they hold at once.
        let rounds = match sizes {
            Sizes::All => 3 * rounds,
            Sizes::Usual => rounds,
        };
        let (mut large, mut small) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            large.push(grown(&ZIP_100M));
            if sizes == Sizes::All {
                small.push(grown(&ZIP_5M));
            }
        }
        report.row(each_reader(case("100"), &large));
        report.row(all_readers(case("100"), &large));
        details.push(vec![format!("{label}, 100 MiB"), listed(&large)]);
        if sizes == Sizes::All {
            let huge: Vec<_> = (0..world.rounds).map(|_| grown(&ZIP_500M)).collect();
            report.row(all_readers(case("500"), &huge));
            report.row(Row {
                case: case("100"),
                measure: "growth of memory, ratio to that by one of 5 MiB".to_owned(),
                bound: Bound::NearOne {
                    must: 0.15,
                    goal: 0.05,
                },
                unit: Unit::Ratio,
                found: Estimate::ratio(&large, &small),
            });
            details.push(vec![format!("{label}, 500 MiB"), listed(&huge)]);
            details.push(vec![format!("{label}, 5 MiB"), listed(&small)]);
        }
    }
    let apart: Vec<_> = (0..rounds)
        .map(|_| ours(world, &ZIP_100M, Kind::Miss, Pace::Different))
        .collect();
    details.push(vec![
        format!("{COLD}, 100 MiB, each at another pace"),
        listed(&apart),
    ]);
    let case = format!("{READERS} slow readers of one 100 MiB zip, {COLD}, each at another pace");
    report.row(each_reader(case, &apart));
    report.details(Details {
        title: format!("Growth of memory by {READERS} slow readers"),
        heads: vec!["", "MiB in each round"],
        rows: details,
    });
}

/// Many from slow sources, and some that come as fast as they can.
pub fn running_fills(world: &World, report: &mut Report) {
    by_fills(world, Speed::Slow, &ZIP_5M, FILLS, "5 MiB", report);
    by_fills(
        world,
        Speed::Unlimited,
        &ZIP_100M,
        FAST_FILLS,
        "100 MiB, unlimited upstream,",
        report,
    );
}

fn by_fills(
    world: &World,
    speed: Speed,
    module: &Module,
    count: usize,
    what: &str,
    report: &mut Report,
) {
    let grown: Vec<_> = (0..world.rounds)
        .map(|_| fills(world, &world.ours_empty(speed), module, count).0)
        .collect();
    report.row(Row {
        case: format!("{count} fills of {what} at once, one reader each"),
        measure: "memory for each fill and its reader".to_owned(),
        bound: Bound::AtMost {
            must: 768.0,
            goal: 256.0,
        },
        unit: Unit::Kibibytes,
        found: Estimate::of(&divided(&grown, count)),
    });
}

fn each_reader(case: String, growth: &[f64]) -> Row {
    Row {
        case,
        measure: "memory for each reader".to_owned(),
        bound: Bound::AtMost {
            must: 384.0,
            goal: 192.0,
        },
        unit: Unit::Kibibytes,
        found: Estimate::of(&divided(growth, READERS)),
    }
}

fn all_readers(case: String, growth: &[f64]) -> Row {
    Row {
        case,
        measure: "growth of memory".to_owned(),
        bound: Bound::AtMost {
            must: 24.0,
            goal: 12.0,
        },
        unit: Unit::Mebibytes,
        found: Estimate::of(&divided(growth, 1024)),
    }
}

fn divided(values: &[f64], by: usize) -> Vec<f64> {
    values.iter().map(|value| value / by as f64).collect()
}

fn listed(growth: &[f64]) -> String {
    let all = growth.iter().map(|kib| format!("{:.1}", kib / 1024.0));
    all.collect::<Vec<_>>().join(" · ")
}
