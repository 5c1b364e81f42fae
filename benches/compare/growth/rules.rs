//! The time for one verdict, over the number of rules.

use std::hint::black_box;
use std::time::Instant;

use tower_goproxy::Target;
use tower_goproxy::policy::Rules;

use super::{Figure, add};
use crate::plot::Axis;
use crate::report::Report;
use crate::stats::{Estimate, median};
use crate::table::{Bound, Row, Unit};

/// Requests for each measurement.
const REQUESTS: usize = 50_000;

/// The most rules.
const MOST: usize = 100_000;

/// How many modules are asked for.
const FEW: usize = 250;

/// The same, where the processor's caches do not hold all of their rules.
const MANY: usize = 10_000;

pub fn measure(rounds: usize, report: &mut Report) {
    let counts = [10, 100, 1_000, 10_000, MOST];
    let costs = counts.map(|count| {
        let times = verdicts(count, FEW, rounds);
        (count as f64, median(&times).unwrap_or_default())
    });
    let figure = Figure {
        file: "rules",
        title: "Time for the verdict on one request",
        x: "rules",
        y: Axis::linear("nanoseconds"),
    };
    add(report, figure, vec![("ours", costs.into())]);
}

/// What a verdict among the most rules has to show.
pub fn rows(rounds: usize, report: &mut Report) {
    for used in [FEW, MANY] {
        report.row(Row {
            case: format!("100,000 rules, {used} modules in use"),
            measure: "time for a verdict".to_owned(),
            bound: Bound::AtMost {
                must: 1_500.0,
                goal: 300.0,
            },
            unit: Unit::Nanoseconds,
            found: Estimate::of(&verdicts(MOST, used, rounds)),
        });
    }
}

fn module(number: usize) -> String {
    format!(
        "git{}.example.com/team-{}/module-{number}",
        number % 7,
        number % 1_009
    )
}

/// Nanoseconds for each, in each round.
fn verdicts(count: usize, used: usize, rounds: usize) -> Vec<f64> {
    let mut text = String::from("+\n");
    for number in 0..count {
        let sign = ["-", "D", "+"][number % 3];
        text.push_str(&format!("{sign} {}\n", module(number)));
    }
    let rules = Rules::parse(&text).expect("well-formed rules");
    let paths = (0..used).map(|at| format!("/{}/@v/v1.2.3.zip", module(at * 7_919 % count)));
    let paths: Vec<_> = paths.collect();
    let targets = paths
        .iter()
        .map(|path| Target::parse(path).expect("a path"));
    let targets: Vec<_> = targets.flatten().collect();
    let times = (0..rounds).map(|_| {
        let start = Instant::now();
        for target in targets.iter().cycle().take(REQUESTS) {
            black_box(rules.rule_for(black_box(target)));
        }
        start.elapsed().as_secs_f64() * 1e9 / REQUESTS as f64
    });
    times.collect()
}
