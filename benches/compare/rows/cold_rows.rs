//! What a cold zip has to show.

use super::cold::Sample;
use crate::report::Report;
use crate::rounds::Rounds;
use crate::stats::Estimate;
use crate::table::{Bound, Row, Unit};
use crate::upstream::Speed;

pub fn add(found: &Rounds<Sample>, case: &str, speed: Speed, clients: usize, report: &mut Report) {
    let mut row = |measure: &str, bound, unit, found| {
        report.row(Row {
            case: case.to_owned(),
            measure: measure.to_owned(),
            bound,
            unit,
            found,
        });
    };
    let of = |peer, figure: fn(&Sample) -> f64| found.of(peer, figure);
    let last = |peer| of(peer, |sample| sample.last_byte);
    let slowest = |peer| of(peer, |sample| sample.slowest_first_byte);
    row(
        "upstream fetches",
        Bound::Exactly(1.0),
        Unit::Count,
        Estimate::of(&of("ours", |sample| sample.fetches)),
    );
    let at_most = |must, goal| Bound::AtMost { must, goal };
    match (speed, clients) {
        // Many direct clients are many fetches, which is another thing.
        (Speed::Far, 1) => {
            row(
                "total, ratio to direct",
                at_most(1.02, 1.005),
                Unit::Times,
                Estimate::ratio(&last("ours"), &last("direct")),
            );
            row(
                "first byte, part of the total",
                at_most(0.1, 0.01),
                Unit::Times,
                Estimate::ratio(&slowest("ours"), &last("ours")),
            );
            row(
                "first byte later than direct",
                at_most(5.0, 2.0),
                Unit::Milliseconds,
                Estimate::difference(&slowest("ours"), &slowest("direct")),
            );
        }
        (Speed::Unlimited, 1) => row(
            "total, ratio to nginx proxy_cache",
            at_most(1.3, 1.0),
            Unit::Ratio,
            Estimate::ratio(&last("ours"), &last("nginx proxy_cache")),
        ),
        (Speed::Unlimited, 16) => row(
            "last one done, ratio to nginx proxy_cache with lock",
            at_most(1.2, 0.7),
            Unit::Ratio,
            Estimate::ratio(&last("ours"), &last("nginx proxy_cache")),
        ),
        (Speed::Unlimited, 64) => row(
            "last one done, ratio to nginx proxy_cache with lock",
            at_most(1.2, 0.7),
            Unit::Ratio,
            Estimate::ratio(&last("ours"), &last("nginx proxy_cache")),
        ),
        _ => {}
    }
    if clients == 64 {
        row(
            "slowest first byte, ratio to nginx proxy_cache with lock",
            at_most(0.15, 0.04),
            Unit::Ratio,
            Estimate::ratio(&slowest("ours"), &slowest("nginx proxy_cache")),
        );
    }
}
