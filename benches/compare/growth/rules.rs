//! The time for one verdict, over the number of rules.

use std::hint::black_box;
use std::time::Instant;

use tower_goproxy::Target;
use tower_goproxy::policy::Rules;

use super::{Figure, add};
use crate::report::Report;
use crate::stats::median;

/// Requests for each measurement, for 250 different modules.
const REQUESTS: usize = 50_000;

pub fn measure(report: &mut Report) {
    let counts = [10, 100, 1_000, 10_000, 100_000];
    let costs = counts.map(|count| (count as f64, one_verdict(count)));
    let figure = Figure {
        file: "rules",
        title: "Time for the verdict on one request",
        x: "rules",
        y: "nanoseconds",
    };
    add(report, &figure, vec![("ours", costs.into())]);
}

fn module(number: usize) -> String {
    format!(
        "git{}.example.com/team-{}/module-{number}",
        number % 7,
        number % 1_009
    )
}

fn one_verdict(count: usize) -> f64 {
    let mut text = String::from("+\n");
    for number in 0..count {
        let sign = ["-", "D", "+"][number % 3];
        text.push_str(&format!("{sign} {}\n", module(number)));
    }
    let rules = Rules::parse(&text).expect("well-formed rules");
    let paths = (0..250).map(|at| format!("/{}/@v/v1.2.3.zip", module(at * 7_919 % count)));
    let paths: Vec<_> = paths.collect();
    let targets = paths
        .iter()
        .map(|path| Target::parse(path).expect("a path"));
    let targets: Vec<_> = targets.flatten().collect();
    let times = (0..5).map(|_| {
        let start = Instant::now();
        for target in targets.iter().cycle().take(REQUESTS) {
            black_box(rules.rule_for(black_box(target)));
        }
        start.elapsed().as_secs_f64() * 1e9 / REQUESTS as f64
    });
    median(&times.collect::<Vec<_>>()).unwrap_or_default()
}
