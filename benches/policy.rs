//! How long it takes to find a rule, with ten rules and with 100,000.
//!
//! All are measured in one run, so that their ratios hold on any machine; they are printed at the end.
//! With 100,000 rules it matters how many of them are in use: what the processor's caches do not
//! hold has to be fetched.

#![allow(missing_docs)]

use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use tower_goproxy::Target;
use tower_goproxy::policy::Rules;

/// Requests per iteration.
const REQUESTS: u32 = 40_000;

/// A filter file of `count` lines, spread over hosts, teams and modules as real ones are.
fn rules(count: usize) -> Rules {
    let mut text = String::from("+\n");
    for n in 0..count {
        let line = match n % 4 {
            0 => format!("- {}\n", module(n)),
            1 => format!("D {}\n", module(n)),
            2 => format!("- {} <v1.2.3,v2.0.0\n", module(n)),
            _ => format!("+ {} ~v1.2.3\n", module(n)),
        };
        text.push_str(&line);
    }
    Rules::parse(&text).expect("well-formed rules")
}

fn module(n: usize) -> String {
    format!("git{}.example.com/team-{}/module-{n}", n % 7, n % 1_009)
}

/// Three quarters of the requests meet one of `met` rules, the others are for a host without any.
fn paths(count: usize, met: usize) -> Vec<String> {
    (0..REQUESTS as usize)
        .map(|n| {
            // The same mix of rules is met, however many there are.
            let met = module(n / 4 % met * 7_919 % count);
            match n % 4 {
                0 | 1 => format!("/{met}/@v/v1.2.{}.zip", n % 9),
                2 => format!("/{met}/v2/sub/@v/list"),
                _ => format!("/github.com/someone/module-{n}/@v/v1.2.3.mod"),
            }
        })
        .collect()
}

fn measure(criterion: &mut Criterion, count: usize, met: usize) -> Duration {
    let rules = rules(count);
    let paths = paths(count, met);
    let targets: Vec<_> = paths
        .iter()
        .filter_map(|path| Target::parse(path).expect("valid paths"))
        .collect();
    assert_eq!(targets.len(), REQUESTS as usize);

    let total = Cell::new((Duration::ZERO, 0_u32));
    let mut group = criterion.benchmark_group("rule");
    group.throughput(Throughput::Elements(u64::from(REQUESTS)));
    group.bench_function(format!("{count} rules, {met} in use"), |bencher| {
        bencher.iter_custom(|iterations| {
            let start = Instant::now();
            for _ in 0..iterations {
                for target in &targets {
                    black_box(rules.rule_for(black_box(target)));
                }
            }
            let elapsed = start.elapsed();
            let (time, rounds) = total.get();
            total.set((
                time + elapsed,
                rounds + u32::try_from(iterations).unwrap_or(1),
            ));
            elapsed
        });
    });
    group.finish();
    let (time, rounds) = total.get();
    // None when the arguments chose other benchmarks.
    time / rounds.max(1) / REQUESTS
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let few = measure(&mut criterion, 10, 10);
    let used = measure(&mut criterion, 100_000, 250);
    let spread = measure(&mut criterion, 100_000, 10_000);
    criterion.final_summary();
    let ratio = |time: Duration| time.as_secs_f64() / few.as_secs_f64();
    eprintln!("10 rules: {few:?} a rule");
    eprintln!(
        "100,000 rules, 250 in use: {used:?}, ratio {:.2}",
        ratio(used)
    );
    eprintln!(
        "100,000 rules, 10,000 in use: {spread:?}, ratio {:.2}",
        ratio(spread)
    );
}
