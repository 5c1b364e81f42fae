//! What it costs to have the layer: to read a request's path, and to pass a request on.
//!
//! `cargo bench --features full --bench layer`. The service inside answers at once with a response that
//! costs nothing, so what is left is the price of the layer. The allocations are printed at the end,
//! those of the request itself taken off.

#![allow(missing_docs)]

mod support;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::hint::black_box;
use std::task::{Context, Poll};

use bytes::Bytes;
use criterion::Criterion;
use http::{Request, Response, Uri};
use http_body_util::Empty;
use support::{allocations, now};
use tower_goproxy::Target;
use tower_goproxy::filter::FilterLayer;
use tower_goproxy::policy::Rules;
use tower_layer::Layer;
use tower_service::Service;

/// Answers at once.
#[derive(Clone)]
struct Still;

impl Service<Request<()>> for Still {
    type Response = Response<Empty<Bytes>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        black_box(request);
        ready(Ok(Response::new(Empty::new())))
    }
}

const REQUESTS: [(&str, &str); 3] = [
    ("no module request", "/api/v1/users/42/settings"),
    ("direct", "/git.corp.example/team/module/@v/v1.2.3.zip"),
    ("include", "/github.com/!burnt!sushi/toml/@v/v1.4.0.zip"),
];

fn request(path: &'static str) -> Request<()> {
    let mut request = Request::new(());
    *request.uri_mut() = Uri::from_static(path);
    request
}

fn ask<S>(service: &mut S, path: &'static str) -> S::Response
where
    S: Service<Request<()>>,
{
    match now(service.call(request(path))) {
        Ok(response) => response,
        Err(_) => unreachable!("neither service fails"),
    }
}

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

    let rules = Rules::parse("+\nD git.corp.example\n- github.com/evil").expect("good rules");
    let mut layered = FilterLayer::new(rules, Still).layer(Still);
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
