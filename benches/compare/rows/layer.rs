//! What the layer alone adds to a request that it passes on, without any network.

use std::hint::black_box;
use std::time::Instant;

use http::Request;
use tower_service::Service;

use crate::report::Report;
use crate::stats::Estimate;
use crate::support::allocations;
use crate::support::still::{REQUESTS, Still, ask, layered};
use crate::table::{Bound, Row, Unit};

/// Requests in each round.
const COUNT: usize = 200_000;

pub fn measure(rounds: usize, report: &mut Report) {
    let mut layered = layered();
    for (name, path) in REQUESTS {
        time(&mut layered, path);
        let (mut with, mut without) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            if round % 2 == 0 {
                without.push(time(&mut Still, path));
                with.push(time(&mut layered, path));
            } else {
                with.push(time(&mut layered, path));
                without.push(time(&mut Still, path));
            }
        }
        let case = format!("FilterLayer alone, {name}");
        report.row(Row {
            case: case.clone(),
            measure: "time added to a request that is passed on".to_owned(),
            bound: Bound::AtMost {
                must: 1_500.0,
                goal: 500.0,
            },
            unit: Unit::Nanoseconds,
            found: Estimate::difference(&with, &without),
        });
        let added: Vec<_> = (0..rounds)
            .map(|_| {
                let with = allocations(|| ask(&mut layered, path)) as f64;
                with - allocations(|| ask(&mut Still, path)) as f64
            })
            .collect();
        report.row(Row {
            case,
            measure: "allocations added to a request that is passed on".to_owned(),
            bound: Bound::Exactly(0.0),
            unit: Unit::Count,
            found: Estimate::of(&added),
        });
    }
}

/// Of one request, in nanoseconds.
fn time<S: Service<Request<()>>>(service: &mut S, path: &'static str) -> f64 {
    let start = Instant::now();
    for _ in 0..COUNT {
        black_box(ask(service, black_box(path)));
    }
    start.elapsed().as_secs_f64() * 1e9 / COUNT as f64
}
