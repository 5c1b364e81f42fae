//! What it costs to have the layer: to read a request's path, and to pass a request on.
//!
//! `cargo bench --features full --bench layer`. The service inside answers at once with a response that
//! costs nothing, so what is left is the price of the layer. The allocations are printed at the end,
//! those of the request itself taken off.

#![allow(missing_docs)]

mod support;

use std::hint::black_box;

use criterion::Criterion;
use support::allocations;
use support::still::{REQUESTS, Still, ask, layered};
use tower_goproxy::Target;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();

    let mut group = criterion.benchmark_group("parse");
    for path in [
        "/github.com/!burnt!sushi/toml/@v/v1.4.0.zip",
        "/github.com/%21burnt%21sushi/toml/@v/v1.4.0.zip",
        "/golang.org/x/tools/@v/v0.0.0-20190101000000-0123456789ab.mod",
        "/api/v1/users/42/settings",
    ] {
        group.bench_function(path, |bencher| {
            bencher.iter(|| black_box(Target::parse(black_box(path))).is_ok());
        });
    }
    group.finish();

    let mut layered = layered();
    let mut group = criterion.benchmark_group("pass on");
    for (name, path) in REQUESTS {
        group.bench_function(format!("{name}, no layer"), |bencher| {
            bencher.iter(|| ask(&mut Still, black_box(path)));
        });
        group.bench_function(format!("{name}, FilterLayer"), |bencher| {
            bencher.iter(|| ask(&mut layered, black_box(path)));
        });
    }
    group.finish();
    criterion.final_summary();

    eprintln!("allocations that the layer adds to a request:");
    for (name, path) in REQUESTS {
        let without = allocations(|| ask(&mut Still, path));
        let with = allocations(|| ask(&mut layered, path));
        eprintln!("  {name}: {}", with - without);
    }
}
